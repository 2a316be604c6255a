import type { Transaction } from '../pool.ts';

/** How many rows of a table this transaction has read until now, whether or not it could use them. */
export async function readTuples(transaction: Transaction, table: string): Promise<number> {
  const { rows } = await transaction.query<{ n: string }>(
    'select sum(seq_tup_read + idx_tup_fetch) as n from pg_stat_xact_user_tables where relname = $1',
    [table],
  );
  return Number(rows[0]?.n);
}
