import { insertReadings, type Reading } from '@odometer/database/periods/gauge-readings';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import { hourStart, monthStart, toTimestamp } from '@odometer/domain/period';
import type { MonthPartitions } from '../month-partitions.ts';
import type { PeriodUsage, UsageWriter } from './usage-writer.ts';

/**
 * Records what gauges were read at. A reading that is recorded already changes nothing; one that comes after its month was
 * closed becomes an adjustment, like any usage.
 *
 * @param readings at most one for each project, gauge and hour.
 */
export async function recordReadings(
  parts: {
    readonly pool: Pool;
    readonly partitions: MonthPartitions;
    readonly usage: UsageWriter;
  },
  readings: readonly Reading[],
): Promise<void> {
  const months = new Set(readings.map(({ at }) => monthStart(Date.parse(at))));
  await parts.partitions.ensure(parts.pool, months);
  const remember = await inTransaction(parts.pool, async (transaction) =>
    writeReadings(transaction, await parts.usage.begin(transaction, months), readings),
  );
  remember();
}

/**
 * The same in a transaction that does more.
 *
 * @returns what to call after the commit.
 */
export async function writeReadings(
  transaction: Transaction,
  periods: PeriodUsage,
  readings: readonly Reading[],
): Promise<() => void> {
  const placed = readings.map((reading) => ({
    ...reading,
    hour: toTimestamp(hourStart(Date.parse(reading.at))),
  }));
  const late = new Set(await periods.late(placed));
  const fresh = await insertReadings(
    transaction,
    placed.map((reading) => ({ ...reading, late: late.has(reading) })),
  );
  return periods.add(
    fresh.map(({ projectId, organizationId, meterId, hour, at, value }) => ({
      projectId,
      organizationId,
      meterId,
      hour,
      sum: value,
      count: 1,
      min: value,
      max: value,
      last: value,
      lastAt: at,
    })),
  );
}
