import {
  type AccountToSettle,
  advanceSettlement,
  firstUnsettledHour,
  lockAccountsToSettle,
  settleAccounts,
} from '@odometer/database/objects/settlement';
import { inTransaction, type Pool } from '@odometer/database/pool';
import type { UsageRow } from '@odometer/database/usage';
import { hourStart, monthStart, toTimestamp } from '@odometer/domain/period';
import type { MonthPartitions } from '../month-partitions.ts';
import type { UsageWriter } from '../periods/usage-writer.ts';

const S3_BYTE_HOURS = 23;
const HOUR_MS = 3_600_000;
const BYTE_HOUR_MS = BigInt(HOUR_MS);
/** Most notifications come within seconds, sometimes after minutes. What is later counts in a later hour, in full. */
const LATENESS_MS = 600_000;
/** Together at most some 12,000 rows of usage a transaction. */
const ACCOUNTS_A_TRANSACTION = 500;
const HOURS_A_TRANSACTION = 24;
/** Ids of projects begin at 1. */
const BEFORE_ALL = '0';

/**
 * Settles byte-hours up to the last hour that ended ten minutes ago. First the end of what is settled moves, a moment under
 * the storage lock; then no change is booked before it, and each account is settled up to it, hour by hour: the bytes there
 * were at the hour's start, all through it, and each change from when it happened. Whole byte-hours are usage of the hour,
 * and what is left over is carried, so that nothing is rounded away. An hour takes changes back that came late, and may
 * come to less than nothing.
 *
 * Hours late, or cut short anywhere, it gives the same numbers.
 *
 * @returns how many accounts it settled, each time anew.
 * @throws the signal's reason when it is aborted.
 */
export async function settleByteHours(
  parts: {
    readonly pool: Pool;
    readonly partitions: MonthPartitions;
    readonly usage: UsageWriter;
  },
  nowMs: number,
  signal: AbortSignal,
): Promise<number> {
  const { pool } = parts;
  const endMs = await advanceSettlement(pool, hourStart(nowMs - LATENESS_MS));
  let settled = 0;
  for (;;) {
    const firstMs = await firstUnsettledHour(pool, endMs);
    if (firstMs === undefined) return settled;
    const throughMs = Math.min(endMs, firstMs + HOURS_A_TRANSACTION * HOUR_MS);
    let last = BEFORE_ALL;
    for (let accounts = ACCOUNTS_A_TRANSACTION; accounts === ACCOUNTS_A_TRANSACTION; ) {
      signal.throwIfAborted();
      const some = await settleSome(parts, firstMs, throughMs, last);
      accounts = some.length;
      settled += accounts;
      last = some.at(-1) ?? last;
    }
  }
}

/** @returns the projects whose accounts it settled, in their order. */
async function settleSome(
  {
    pool,
    partitions,
    usage,
  }: {
    readonly pool: Pool;
    readonly partitions: MonthPartitions;
    readonly usage: UsageWriter;
  },
  firstMs: number,
  throughMs: number,
  afterProject: string,
): Promise<readonly string[]> {
  const months = new Set([monthStart(firstMs), monthStart(throughMs - HOUR_MS)]);
  await partitions.ensure(pool, months);
  const { projects, remember } = await inTransaction(pool, async (transaction) => {
    const periods = await usage.begin(transaction, months);
    const due = await lockAccountsToSettle(
      transaction,
      throughMs,
      afterProject,
      ACCOUNTS_A_TRANSACTION,
    );
    if (due.length === 0) return { projects: [], remember: () => {} };
    const settled = due.map((account) => settleAccount(account, throughMs));
    await settleAccounts(transaction, settled, throughMs);
    const remember = await periods.add(settled.flatMap(({ rows }) => rows));
    return { projects: due.map(({ projectId }) => projectId), remember };
  });
  remember();
  return projects;
}

/** What an account comes to, hour by hour up to an instant. */
function settleAccount(
  account: AccountToSettle,
  throughMs: number,
): {
  readonly projectId: string;
  readonly settledBytes: bigint;
  readonly remainingByteMs: bigint;
  readonly rows: readonly UsageRow[];
} {
  const { projectId, organizationId, settledThroughMs, changes } = account;
  let { settledBytes: bytes, remainingByteMs: remaining } = account;
  const rows: UsageRow[] = [];
  // While there was nothing, there is nothing to settle.
  const fromMs =
    bytes === 0n || settledThroughMs === null ? Math.min(...changes.keys()) : settledThroughMs;
  for (let hourMs = fromMs; hourMs < throughMs; hourMs += HOUR_MS) {
    const change = changes.get(hourMs);
    remaining += bytes * BYTE_HOUR_MS + (change?.byteMs ?? 0n);
    bytes += change?.bytes ?? 0n;
    const whole = floorDivide(remaining, BYTE_HOUR_MS);
    remaining -= whole * BYTE_HOUR_MS;
    if (whole === 0n) continue;
    rows.push({
      projectId,
      organizationId,
      meterId: S3_BYTE_HOURS,
      hour: toTimestamp(hourMs),
      sum: String(whole),
      count: 1,
      min: null,
      max: null,
      last: null,
      lastAt: null,
    });
  }
  return { projectId, settledBytes: bytes, remainingByteMs: remaining, rows };
}

/** Division of bigints rounds towards zero, which would leave a negative remainder. */
function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}
