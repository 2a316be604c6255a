import { toTimestamp } from '@odometer/domain/period';
import { lockStorage, lockStorageShared } from '../advisory-locks.ts';
import { plainArray } from '../array-parameter.ts';
import { inTransaction, type Pool, type Queryable, type Transaction } from '../pool.ts';

/** What changes of stored bytes are booked by. */
export interface Settlement {
  /** Up to where hours are settled (exclusive), milliseconds: nothing is added to those before. */
  readonly settledThroughMs: number;
  /** Postgres' clock, milliseconds: nothing has happened later. One for all, because a wrong one would be paid for. */
  readonly nowMs: number;
}

/** Takes the storage lock shared. @returns what holds until the transaction ends. */
export async function holdSettlement(transaction: Transaction): Promise<Settlement> {
  await lockStorageShared(transaction);
  const { rows } = await transaction.query<{ settled_through: Date; now: string }>(
    `select settled_through, floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now
     from storage_settlement`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('storage_settlement has no row');
  return { settledThroughMs: row.settled_through.getTime(), nowMs: Number(row.now) };
}

/** The hour that goes on, by Postgres' clock: whoever asks, no hour is settled before it has ended. */
const RUNNING_HOUR = `date_trunc('hour', clock_timestamp(), 'UTC')`;

/**
 * Moves the end of the settled hours forward; never back, and never past an hour that goes on. When it has committed, nobody
 * adds to an hour before it any more.
 *
 * @returns up to where accounts may be settled: where it is, or the running hour if it is further.
 */
export async function advanceSettlement(pool: Pool, throughMs: number): Promise<number> {
  const current = await settleable(pool);
  if (current.settledThroughMs >= throughMs) return current.settleableMs;
  return inTransaction(pool, async (transaction) => {
    await lockStorage(transaction);
    await transaction.query(
      `update storage_settlement
       set settled_through = greatest(settled_through, least($1::timestamptz, ${RUNNING_HOUR}))`,
      [toTimestamp(throughMs)],
    );
    return (await settleable(transaction)).settleableMs;
  });
}

async function settleable(
  db: Queryable,
): Promise<{ readonly settledThroughMs: number; readonly settleableMs: number }> {
  const { rows } = await db.query<{ settled: Date; settleable: Date }>(
    `select settled_through as settled, least(settled_through, ${RUNNING_HOUR}) as settleable
     from storage_settlement`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('storage_settlement has no row');
  return { settledThroughMs: row.settled.getTime(), settleableMs: row.settleable.getTime() };
}

/** Accounts that have something to be settled before an instant. One that is empty and had no change has nothing. */
const DUE = `a.settled_through < $1 and (a.settled_bytes <> 0 or exists (
  select from storage_changes c where c.project_id = a.project_id and c.hour < $1
))`;

/** The hour from which the next accounts are to be settled, milliseconds; undefined when none is. */
export async function firstUnsettledHour(
  db: Queryable,
  throughMs: number,
): Promise<number | undefined> {
  const { rows } = await db.query<{ first: Date | null }>(
    `select min(greatest(a.settled_through, case when a.settled_bytes = 0 then (
       select min(c.hour) from storage_changes c where c.project_id = a.project_id and c.hour < $1
     ) end)) as first
     from storage_accounts a where ${DUE}`,
    [toTimestamp(throughMs)],
  );
  return rows[0]?.first?.getTime();
}

export interface AccountToSettle {
  readonly projectId: string;
  readonly organizationId: string;
  /** Settled up to here (exclusive), milliseconds; null before the first time. */
  readonly settledThroughMs: number | null;
  readonly settledBytes: bigint;
  readonly remainingByteMs: bigint;
  /** Those before the end that was asked for, by hour. */
  readonly changes: ReadonlyMap<number, { readonly bytes: bigint; readonly byteMs: bigint }>;
}

/**
 * Locks the next accounts that are due before an instant, in the order of projects, and reads what they hold.
 *
 * @param afterProject the last one before: or each time the accounts that are settled would be walked past again.
 */
export async function lockAccountsToSettle(
  transaction: Transaction,
  throughMs: number,
  afterProject: string,
  limit: number,
): Promise<readonly AccountToSettle[]> {
  const through = toTimestamp(throughMs);
  const { rows: accounts } = await transaction.query<{
    project_id: string;
    organization_id: string;
    settled_through: Date | null;
    settled_bytes: string;
    remaining_byte_ms: string;
  }>(
    `select a.project_id, a.organization_id, nullif(a.settled_through, '-infinity') as settled_through,
       a.settled_bytes, a.remaining_byte_ms
     from storage_accounts a where ${DUE} and a.project_id > $2
     order by a.project_id limit $3 for update`,
    [through, afterProject, limit],
  );
  // A statement of its own: it sees what was committed before the locks were granted.
  const { rows: changes } = await transaction.query<{
    project_id: string;
    hour: Date;
    bytes: string;
    byte_ms: string;
  }>(
    `select project_id, hour, bytes, byte_ms from storage_changes
     where project_id = any($1::bigint[]) and hour < $2`,
    [plainArray(accounts.map(({ project_id }) => project_id)), through],
  );
  const byProject = new Map<string, Map<number, { bytes: bigint; byteMs: bigint }>>();
  for (const { project_id, hour, bytes, byte_ms } of changes) {
    const hours = byProject.get(project_id) ?? new Map();
    hours.set(hour.getTime(), { bytes: BigInt(bytes), byteMs: BigInt(byte_ms) });
    byProject.set(project_id, hours);
  }
  return accounts.map((account) => ({
    projectId: account.project_id,
    organizationId: account.organization_id,
    settledThroughMs: account.settled_through?.getTime() ?? null,
    settledBytes: BigInt(account.settled_bytes),
    remainingByteMs: BigInt(account.remaining_byte_ms),
    changes: byProject.get(account.project_id) ?? new Map(),
  }));
}

/** Notes that accounts are settled, and drops the changes that went into it. Demands their locks. */
export async function settleAccounts(
  transaction: Transaction,
  accounts: readonly {
    readonly projectId: string;
    readonly settledBytes: bigint;
    readonly remainingByteMs: bigint;
  }[],
  throughMs: number,
): Promise<void> {
  const through = toTimestamp(throughMs);
  const projects = plainArray(accounts.map(({ projectId }) => projectId));
  await transaction.query(
    'delete from storage_changes where project_id = any($1::bigint[]) and hour < $2',
    [projects, through],
  );
  await transaction.query(
    `update storage_accounts a
     set settled_through = $2, settled_bytes = s.bytes, remaining_byte_ms = s.remaining
     from unnest($1::bigint[], $3::numeric[], $4::numeric[]) as s (project_id, bytes, remaining)
     where a.project_id = s.project_id`,
    [
      projects,
      through,
      plainArray(accounts.map(({ settledBytes }) => String(settledBytes))),
      plainArray(accounts.map(({ remainingByteMs }) => String(remainingByteMs))),
    ],
  );
}
