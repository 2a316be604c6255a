import { missingSnapshots, snapshotTakenAt } from '@odometer/database/periods/snapshots';
import type { Pool } from '@odometer/database/pool';
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
  const now = toTimestamp(Date.now());
  if (date !== undefined && date >= now.slice(0, 10)) {
    throw new OdometerError('day_not_ended', { date, now: now.slice(0, 16).replace('T', ' ') });
  }
  const days = await withQueues((open) =>
    withPostgres(async (pool) => {
      const days = date === undefined ? await missingSnapshots(pool, now.slice(0, 10)) : [date];
      if (days.length === 0) return [];
      const before = await readSnapshots(pool, days);
      const jobId = await ask(open, date);
      if (wait) await waitForSnapshots({ open, pool, jobId, before });
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

function ask(open: OpenQueue, date: string | undefined): Promise<string> {
  return date === undefined
    ? askPeriods(open, 'due', { bell: 'asked' })
    : askPeriods(open, 'snapshot', { date });
}

async function readSnapshots(
  pool: Pool,
  days: readonly string[],
): Promise<readonly TakenSnapshot[]> {
  const taken = await snapshotTakenAt(pool, days);
  return days.map((day) => ({ day, takenAt: taken.get(day) ?? null }));
}

async function waitForSnapshots(asked: {
  readonly open: OpenQueue;
  readonly pool: Pool;
  readonly jobId: string;
  readonly before: readonly TakenSnapshot[];
}): Promise<void> {
  const { open, pool, jobId, before } = asked;
  await waitForJob({ pool, queue: open('periods') }, jobId, async () => {
    const now = await readSnapshots(
      pool,
      before.map(({ day }) => day),
    );
    const isNew = now.filter(
      ({ takenAt }, index) => takenAt?.getTime() !== before[index]?.takenAt?.getTime(),
    );
    return {
      isDone: isNew.length === before.length,
      progress: `snapshots: ${isNew.length} of ${before.length} days`,
    };
  });
}
