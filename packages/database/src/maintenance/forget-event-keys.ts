import { inTransaction, type Pool, type Queryable } from '../pool.ts';

/** Of a transaction: 8 MB to read, at most some 80,000 rows to delete. */
const BLOCKS_A_STEP = 1_000;
/** A partition smaller than this (80 MB) is walked through whenever somebody walks; a larger one in this many walks. */
const MIN_BLOCKS_A_WALK = 10_000;
const WALKS_A_ROUND = 24;

/**
 * Deletes the claims of event keys that were last seen before a day. It walks through the table a piece at a time, and
 * remembers how far it came: hourly walks see every row once a day, at no cost to inserts, while an index on the date
 * would cost each of them. A claim that is being used just then is left to the next round.
 *
 * @param before `YYYY-MM-DD`
 * @returns how many it deleted.
 */
export async function forgetEventKeys(
  pool: Pool,
  before: string,
  signal: AbortSignal,
): Promise<number> {
  // Every claim was made by a batch, and epochs are never forgotten: a young installation has no old claim.
  const { rowCount } = await pool.query(
    'select from (select opened_at from source_epochs order by epoch limit 1) e where opened_at < $1::date + 1',
    [before],
  );
  if (rowCount === 0) return 0;
  let forgotten = 0;
  for (const partition of await partitionsOfKeys(pool)) {
    forgotten += await walk(pool, partition, before, signal);
  }
  return forgotten;
}

interface Partition {
  readonly name: string;
  readonly blocks: number;
  readonly nextBlock: number;
}

async function partitionsOfKeys(db: Queryable): Promise<readonly Partition[]> {
  const { rows } = await db.query<{ name: string; blocks: string; next_block: string }>(
    `select c.relname as name, coalesce(w.next_block, 0) as next_block,
       pg_relation_size(c.oid) / current_setting('block_size')::int as blocks
     from pg_inherits i
     join pg_class c on c.oid = i.inhrelid
     left join event_key_walks w on w.partition = c.relname
     where i.inhparent = 'event_keys'::regclass
     order by 1`,
  );
  return rows.map(({ name, blocks, next_block }) => ({
    name,
    blocks: Number(blocks),
    nextBlock: Number(next_block),
  }));
}

/** One walk through a piece of a partition; begins anew when it has come to the end. */
async function walk(
  pool: Pool,
  { name, blocks, nextBlock }: Partition,
  before: string,
  signal: AbortSignal,
): Promise<number> {
  const from = nextBlock < blocks ? nextBlock : 0;
  const to = Math.min(
    blocks,
    from + Math.max(MIN_BLOCKS_A_WALK, Math.ceil(blocks / WALKS_A_ROUND)),
  );
  let forgotten = 0;
  for (let block = from; block < to && !signal.aborted; block += BLOCKS_A_STEP) {
    forgotten += await deleteIn(pool, name, block, Math.min(to, block + BLOCKS_A_STEP), before);
  }
  return forgotten;
}

async function deleteIn(
  pool: Pool,
  partition: string,
  fromBlock: number,
  toBlock: number,
  before: string,
): Promise<number> {
  return inTransaction(pool, async (transaction) => {
    // Appliers lock keys in the order of the keys, which is not that of the table: never wait for one of them.
    const { rowCount } = await transaction.query(
      `delete from ${partition} where ctid = any (array(
         select ctid from ${partition}
         where ctid >= $1::tid and ctid < $2::tid and last_seen_on < $3
         for update skip locked
       ))`,
      [`(${fromBlock},0)`, `(${toBlock},0)`, before],
    );
    await transaction.query(
      `insert into event_key_walks (partition, next_block) values ($1, $2)
       on conflict (partition) do update set next_block = excluded.next_block`,
      [partition, toBlock],
    );
    return rowCount ?? 0;
  });
}
