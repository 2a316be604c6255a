import { missingSnapshots, snapshotTakenAt } from '@odometer/database/periods/snapshots';
import type { Pool } from '@odometer/database/pool';
import { trustedNow } from '@odometer/database/trusted-now';
import { OdometerError } from '@odometer/domain/errors';
import { toTimestamp } from '@odometer/domain/period';
import type { Command } from 'commander';
import { askPeriods } from '../ask-periods.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableTime,
  table,
} from '../output.ts';
import { day } from '../period-arguments.ts';
import { withPostgres } from '../postgres.ts';
import { type OpenQueue, withQueues } from '../redis.ts';
import { waitForJob } from '../wait-for-job.ts';

interface SnapshotOptions extends OutputOptions {
  readonly date?: string;
  readonly wait: boolean;
}

interface TakenSnapshot {
  readonly day: string;
  readonly takenAt: Date | null;
}

/** When it was taken before, and the job that takes it now. */
interface AskedSnapshot extends TakenSnapshot {
  readonly jobId: string;
}

export function addSnapshot(program: Command): void {
  addCommand(
    program,
    'snapshot',
    'take the snapshot of a day, again if need be, or all missing ones',
  )
    .option('--date <day>', 'YYYY-MM-DD, a day that has ended', day)
    .option('--no-wait', 'only ask the worker')
    .action(takeSnapshot);
}

async function takeSnapshot({ date, wait, json }: SnapshotOptions): Promise<void> {
  refuseUnended(date, Date.now());
  const days = await withQueues((open) =>
    withPostgres(async (pool) => {
      const nowMs = await trustedNow(pool);
      refuseUnended(date, nowMs);
      const today = toTimestamp(nowMs).slice(0, 10);
      const days = date === undefined ? await missingSnapshots(pool, today) : [date];
      if (days.length === 0) return [];
      const before = await readSnapshots(pool, days);
      const asked: AskedSnapshot[] = [];
      // The oldest first: each day carries on what the one before it had.
      for (const { day, takenAt } of before) {
        asked.push({ day, takenAt, jobId: await askPeriods(open, 'snapshot', { date: day }) });
      }
      if (wait) await waitForSnapshots(open, pool, asked);
      return wait ? readSnapshots(pool, days) : before;
    }),
  );
  if (json) return printJson({ waited: wait, days });
  if (days.length === 0) return print('Every day that has ended has its snapshot.');
  if (!wait) return print(`The worker is asked for the snapshots of ${days.length} day(s).`);
  print(
    table(
      ['day', 'taken'],
      days.map(({ day, takenAt }) => [day, readableTime(takenAt)]),
    ),
  );
}

/** @throws OdometerError `day_not_ended` */
function refuseUnended(date: string | undefined, nowMs: number): void {
  const now = toTimestamp(nowMs);
  if (date === undefined || date < now.slice(0, 10)) return;
  throw new OdometerError('day_not_ended', { date, now: now.slice(0, 16).replace('T', ' ') });
}

async function readSnapshots(
  pool: Pool,
  days: readonly string[],
): Promise<readonly TakenSnapshot[]> {
  const taken = await snapshotTakenAt(pool, days);
  return days.map((day) => ({ day, takenAt: taken.get(day) ?? null }));
}

/** One day after the other, as the worker takes them. */
async function waitForSnapshots(
  open: OpenQueue,
  pool: Pool,
  asked: readonly AskedSnapshot[],
): Promise<void> {
  const parts = { pool, queue: open('periods') };
  for (const [index, { day, takenAt, jobId }] of asked.entries()) {
    await waitForJob(parts, jobId, async () => {
      const [now] = await readSnapshots(pool, [day]);
      return {
        isDone: now?.takenAt?.getTime() !== takenAt?.getTime(),
        progress: `snapshots: ${index} of ${asked.length} days`,
      };
    });
  }
}
