import type { Transaction } from './pool.ts';

/**
 * The lock order, everywhere: measurement → month → catalogue → meter → batch claim → registry → event keys → events →
 * storage → stored objects → storage accounts → storage levels → storage changes → usage → changed days → reservations.
 * Whoever takes locks in another order deadlocks under load.
 *
 * A measurement's row is the first thing that a step of it takes (`keepProgress`), so that whoever lost it does nothing. A
 * meter's row (`for no key update`) makes those who set hours of the meter, or count it back, come one after another; whoever
 * deletes the meter waits for them.
 *
 * Advisory locks have two parts: what kind of thing is locked, and which one.
 */
const MONTH_LOCK = 1;
const CATALOGUE_LOCK = 2;
const DAYS_LOCK = 3;
const CLOSE_LOCK = 4;
const STORAGE_LOCK = 5;
const PLANS_LOCK = 10;
const LIMIT_LOCK = 11;
/** Held by the session of the scheduler that owns the bells; nobody else waits for it. */
export const SCHEDULER_LOCK = [20, 0] as const;
/** In the place of a month: held shared with every month, so that a new round of changed days can wait for appliers. */
const ROUNDS = 0;

/**
 * Takes the months shared, in ascending order, until the transaction ends: a closer takes them exclusively to flip their
 * state. Read the state in the *next* statement: this one's snapshot may be older than its lock. A row lock would not do
 * (`for update` starves behind appliers' `for share`, and a row that does not exist cannot be locked).
 *
 * @param monthsMs starts of UTC months. The one that goes on is locked with them.
 * @returns Postgres' clock before it waited for a lock, milliseconds: by it the one that goes on was chosen.
 */
export async function lockMonthsShared(
  transaction: Transaction,
  monthsMs: Iterable<number>,
): Promise<number> {
  const numbers = [ROUNDS, ...[...new Set(monthsMs)].map(monthNumber)];
  const { rows } = await transaction.query<{ now: string }>(
    `with clock as materialized (select clock_timestamp() as now)
     select pg_advisory_xact_lock_shared(${MONTH_LOCK}, month),
       floor(extract(epoch from now) * 1000)::bigint as now
     from (
       select distinct now, unnest($1::int[] || to_char(now at time zone 'UTC', 'YYYYMM')::int) as month
       from clock order by month
     ) months`,
    [numbers],
  );
  return Number(rows[0]?.now);
}

/** Waits until no transaction that applies usage is left, and holds back new ones: begins a round of changed days. */
export async function lockRounds(transaction: Transaction): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${MONTH_LOCK}, ${ROUNDS})`);
}

/** Takes a month for flipping states: waits for the appliers that write to it, a moment, and holds back new ones. */
export async function lockMonth(transaction: Transaction, monthMs: number): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${MONTH_LOCK}, $1)`, [
    monthNumber(monthMs),
  ]);
}

/** Refreshes days one after the other: an older reading of the hours must not overwrite a newer one. */
export async function lockDays(transaction: Transaction): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${DAYS_LOCK}, 0)`);
}

/** Lets one part of a month's close run at a time. */
export async function lockClose(transaction: Transaction, monthMs: number): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${CLOSE_LOCK}, $1)`, [
    monthNumber(monthMs),
  ]);
}

/** Takes the meter catalogue shared: its version cannot change until the transaction ends. */
export async function lockCatalogueShared(transaction: Transaction): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock_shared(${CATALOGUE_LOCK}, 0)`);
}

/** Takes the meter catalogue for changing it: waits for the appliers that use it, and holds back new ones. */
export async function lockCatalogue(transaction: Transaction): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${CATALOGUE_LOCK}, 0)`);
}

/**
 * Taken shared by whoever books changes of stored bytes: up to where they are settled cannot move until the transaction
 * ends. Read it in the *next* statement.
 */
export async function lockStorageShared(transaction: Transaction): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock_shared(${STORAGE_LOCK}, 0)`);
}

/** Waits for the transactions that book changes of stored bytes, a moment, and holds back new ones. */
export async function lockStorage(transaction: Transaction): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${STORAGE_LOCK}, 0)`);
}

/** `2026-11` is 202611. */
function monthNumber(monthMs: number): number {
  const at = new Date(monthMs);
  return at.getUTCFullYear() * 100 + at.getUTCMonth() + 1;
}

/** Takes all plans for declaring one: the version after the newest is one version. */
export async function lockPlans(transaction: Transaction): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${PLANS_LOCK}, 0)`);
}

/**
 * Takes a limit for reserving under it: those that ask do so one after another. It comes before all other locks, and
 * appliers never take it.
 *
 * @param limit the organization and what is limited. Two that share a hash only wait for each other.
 */
export async function lockLimit(transaction: Transaction, limit: string): Promise<void> {
  await transaction.query(`select pg_advisory_xact_lock(${LIMIT_LOCK}, hashtext($1))`, [limit]);
}
