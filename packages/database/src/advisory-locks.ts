import type { Transaction } from './pool.ts';

/**
 * The lock order, everywhere: month → catalogue → batch claim → registry → event keys → events → usage. Whoever takes
 * locks in another order deadlocks under load.
 *
 * Advisory locks have two parts: what kind of thing is locked, and which one.
 */
const MONTH_LOCK = 1;
const CATALOGUE_LOCK = 2;

/**
 * Takes the months shared, in ascending order, until the transaction ends: a closer takes them exclusively to flip their
 * state. Read the state in the *next* statement: this one's snapshot may be older than its lock. A row lock would not do
 * (`for update` starves behind appliers' `for share`, and a row that does not exist cannot be locked).
 *
 * @param monthsMs starts of UTC months.
 */
export async function lockMonthsShared(
  transaction: Transaction,
  monthsMs: Iterable<number>,
): Promise<void> {
  const numbers = [...new Set(monthsMs)].sort((a, b) => a - b).map(monthNumber);
  await transaction.query(
    `select pg_advisory_xact_lock_shared(${MONTH_LOCK}, month)
     from (select unnest($1::int[]) as month order by 1) months`,
    [numbers],
  );
}

/** Takes the meter catalogue shared: its version cannot change until the transaction ends. */
export async function lockCatalogueShared(transaction: Transaction): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock_shared(${CATALOGUE_LOCK}, 0)`);
}

/** Takes the meter catalogue for changing it: waits for the appliers that use it, and holds back new ones. */
export async function lockCatalogue(transaction: Transaction): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${CATALOGUE_LOCK}, 0)`);
}

/** `2026-11` is 202611. */
function monthNumber(monthMs: number): number {
  const at = new Date(monthMs);
  return at.getUTCFullYear() * 100 + at.getUTCMonth() + 1;
}
