import { randomUUID } from 'node:crypto';
import { recordScheduleRun } from '@odometer/database/maintenance/schedule-runs';
import { dueCountBacks } from '@odometer/database/meters/count-back';
import { bucketsToMap } from '@odometer/database/objects/buckets';
import type { TrustedClock } from '@odometer/database/trusted-now';
import { dayStart } from '@odometer/domain/period';
import type { CountBack } from '@odometer/queues/catalogue';
import { countBackJobId } from '@odometer/queues/count-back-job';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Job, Processor } from '@odometer/queues/job-worker';
import { mapObjectsJob, mapObjectsJobId } from '@odometer/queues/map-objects-job';
import type { Logger } from '@odometer/service-kit/logging';
import { countBack } from '../count-back/count-back.ts';
import { type MaintenanceParts, maintain } from '../maintenance/maintain.ts';
import { measureDue } from '../measure/measure-due.ts';
import { warnOfLateRevisions } from '../posthoc/late-revisions.ts';
import { planDueRuns } from '../posthoc/plan-due.ts';
import { planDuePulls } from '../pulled-logs/plan-due-pulls.ts';
import { closeMonth } from './close-month.ts';
import { type DueParts, doAllDue, logClose } from './do-all-due.ts';
import { takeSnapshot, takeSnapshots } from './take-snapshots.ts';
import type { UsageWriter } from './usage-writer.ts';

/** Of a job: well within its deadline, so that what it holds ends by itself and another job goes on. */
const BUDGET_MS = 480_000;

/** No job of the posthoc queue puts itself off for longer: a pulled log may want to be left alone for an hour. */
const LONGEST_DELAY_MS = 65 * 60_000;

export type PeriodsParts = DueParts &
  MaintenanceParts & {
    readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
    readonly usage: UsageWriter;
    readonly clock: TrustedClock;
    readonly queue: JobQueue<'periods'>;
    readonly measureQueue: JobQueue<'measure'>;
    readonly posthocQueue: JobQueue<'posthoc'>;
    readonly objectsQueue: JobQueue<'objects'>;
  };

/**
 * What is done with the jobs of the periods queue. Everything is driven by what Postgres says is due: a job may be late, lost
 * or run twice. One that has used up its time is followed by another like it.
 */
export function createPeriodsProcessor(parts: PeriodsParts): Processor<'periods'> {
  return async (job, signal) => {
    const budget = AbortSignal.timeout(BUDGET_MS);
    try {
      await processJob(parts, job, AbortSignal.any([signal, budget]));
    } catch (error) {
      if (!budget.aborted || signal.aborted) throw error;
      await parts.queue.add(job.name, job.payload, `${job.name}.${randomUUID()}`);
    }
  };
}

async function processJob(
  parts: PeriodsParts,
  job: Job<'periods'>,
  signal: AbortSignal,
): Promise<void> {
  const nowMs = await parts.clock.now();
  switch (job.name) {
    case 'due':
      await doAllDue(parts, nowMs, signal);
      await enqueueDue(parts, nowMs);
      await recordScheduleRun(parts.pool, job.payload.bell, nowMs);
      return;
    case 'snapshot':
      // One of a day that has not ended would be of another day by tomorrow.
      if (Date.parse(job.payload.date) < dayStart(nowMs)) {
        await takeSnapshot(parts.pool, job.payload.date, nowMs, signal);
      }
      return;
    case 'close-month': {
      const monthMs = Date.parse(`${job.payload.month}-01T00:00:00Z`);
      await takeSnapshots(parts.pool, nowMs, signal);
      logClose(parts.log, monthMs, await closeMonth(parts, monthMs, nowMs, signal));
      return;
    }
    case 'count-back':
      await countBack(
        { ...parts, enqueue: (next) => enqueueCountBack(parts, next) },
        job.payload,
        signal,
      );
      return;
    case 'maintain':
      await warnOfLateRevisions(parts.pool, parts.graceMs, parts.log);
      await maintain(parts, nowMs, signal);
      return;
    case 'measure-due':
      await enqueueMeasuring(parts, nowMs);
      await recordScheduleRun(parts.pool, job.payload.bell, nowMs);
      return;
  }
}

/** Of what nobody sends. */
async function enqueueMeasuring(parts: PeriodsParts, nowMs: number): Promise<void> {
  await measureDue(parts.pool, parts.measureQueue, nowMs);
  await parts.posthocQueue.hasten(nowMs + LONGEST_DELAY_MS);
  await planDueRuns(parts.pool, parts.posthocQueue, nowMs);
  await planDuePulls(parts.pool, parts.posthocQueue, nowMs);
}

/** Work that may be long is left to jobs of its own, so that it holds up no snapshot. */
async function enqueueDue(parts: PeriodsParts, nowMs: number): Promise<void> {
  await parts.queue.add('maintain', {}, 'maintain.due');
  await enqueueMeasuring(parts, nowMs);
  // Whoever declared it may have ended before it could ask.
  for (const bucket of await bucketsToMap(parts.pool)) {
    const job = mapObjectsJob(bucket);
    await parts.objectsQueue.add('map-objects', job, mapObjectsJobId(job));
  }
  for (const due of await dueCountBacks(parts.pool)) await enqueueCountBack(parts, due);
}

async function enqueueCountBack({ queue }: PeriodsParts, job: CountBack): Promise<void> {
  await queue.add('count-back', job, countBackJobId(job));
}
