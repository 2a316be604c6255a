import { toTimestamp } from '@odometer/domain/period';
import type { Logger } from '@odometer/service-kit/logging';
import type { MonthPartitions } from '../month-partitions.ts';
import { settleByteHours } from '../objects/settle-byte-hours.ts';
import { closeDueMonths } from './close-due-months.ts';
import type { CloseParts, CloseProgress } from './close-month.ts';
import { refreshDays } from './refresh-days.ts';
import { takeSnapshots } from './take-snapshots.ts';
import type { UsageWriter } from './usage-writer.ts';

export interface DueParts extends CloseParts {
  readonly partitions: MonthPartitions;
  readonly usage: UsageWriter;
  readonly log: Pick<Logger, 'info' | 'error'>;
}

/**
 * Does all that is due, oldest first, by asking Postgres what is: byte-hours to settle, days whose hours have changed, snapshots of days that
 * have ended, months to draft and to close. Late, twice or at once with another worker it gives the same numbers. What
 * fails stops nothing else.
 *
 * @throws the failure, or an AggregateError, after all others are done.
 */
export async function doAllDue(parts: DueParts, nowMs: number, signal: AbortSignal): Promise<void> {
  const { pool, log } = parts;
  const failures: unknown[] = [];
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      signal.throwIfAborted();
      failures.push(error);
    }
  };
  // First of all: it is usage, of the days and the month that come next.
  await attempt(async () => {
    const accounts = await settleByteHours(parts, nowMs, signal);
    if (accounts > 0) log.info({ event: 'byte_hours_settled', accounts });
  });
  await attempt(async () => {
    const days = await refreshDays(pool, signal);
    if (days > 0) log.info({ event: 'days_refreshed', days });
  });
  await attempt(async () => {
    // A month is closed after its last snapshot: what that carries into its days could not be written any more.
    const days = await takeSnapshots(pool, nowMs, signal);
    if (days.length > 0) log.info({ event: 'snapshots_taken', days });
    for (const { monthMs, ...progress } of await closeDueMonths(parts, nowMs, signal)) {
      logClose(log, monthMs, progress);
    }
  });
  if (failures.length > 1) throw new AggregateError(failures, `${failures.length} tasks failed`);
  if (failures.length === 1) throw failures[0];
}

/** Says what became of a month's close, when anything did. */
export function logClose(
  log: Pick<Logger, 'info' | 'error'>,
  monthMs: number,
  { discrepancies, ...progress }: CloseProgress,
): void {
  const month = toTimestamp(monthMs).slice(0, 7);
  if (Object.values(progress).some((figure) => figure > 0)) {
    log.info({ event: 'month_closed', period: month, ...progress });
  }
  for (const discrepancy of discrepancies) {
    log.error({ event: 'month_does_not_add_up', period: month, ...discrepancy });
  }
}
