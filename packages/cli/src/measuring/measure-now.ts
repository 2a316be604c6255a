import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFailure } from '@odometer/database/dead-letters';
import {
  type AskedMeasurement,
  databaseTime,
  findAskedMeasurement,
} from '@odometer/database/measuring/asked-measurement';
import type { MeasurementRequest } from '@odometer/database/measuring/measurements';
import type { Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import { readableFigure } from '../output.ts';
import { startProgress } from '../progress.ts';
import { type OpenQueue, onceRedisReturns } from '../redis.ts';

/** Each look is two queries a target. */
const INTERVAL_MS = 500;
/** Longer than anything a worker does before it shows. */
const PATIENCE_MINUTES = 10;
/** A person waits, and the command may be given again; longer than a Redis takes that is restarted. */
const ENQUEUE_DEADLINE_MS = 30_000;
const BAR_LENGTH = 20;

/** A measurement that is waited for. */
interface Awaited {
  readonly wish: MeasurementRequest;
  readonly since: string;
  jobId: string;
  ended?: AskedMeasurement;
  progress: string;
}

/**
 * Has targets measured by the worker, each by a job of its own, waits until all have ended, and shows how far they are. A
 * target that is being measured for another purpose is measured again when that has ended.
 *
 * @returns how each of them ended, in the order of the wishes.
 * @throws OdometerError `redis_unavailable`, `job_failed`; `job_unanswered`: nothing has happened for ten minutes.
 */
export async function measureNow(
  pool: Pool,
  open: OpenQueue,
  wishes: readonly MeasurementRequest[],
): Promise<readonly AskedMeasurement[]> {
  const since = await databaseTime(pool);
  const all: Awaited[] = [];
  for (const wish of wishes) {
    all.push({ wish, since, jobId: await ask(open, wish), progress: '' });
  }
  const shown = startProgress();
  let last = '';
  let movedAtMs = performance.now();
  try {
    for (;;) {
      for (const each of all) {
        if (each.ended === undefined) await look(pool, open, each);
      }
      const waiting = all.filter(({ ended }) => ended === undefined);
      const [next] = waiting;
      if (next === undefined) return all.flatMap(({ ended }) => ended ?? []);
      const nowMs = performance.now();
      const progress = all.map((each) => each.progress).join();
      if (progress !== last) [last, movedAtMs] = [progress, nowMs];
      if (nowMs - movedAtMs > PATIENCE_MINUTES * 60_000) {
        throw new OdometerError('job_unanswered', { jobId: next.jobId, minutes: PATIENCE_MINUTES });
      }
      const more = waiting.length > 1 ? ` (and ${waiting.length - 1} more)` : '';
      shown.tell(`${next.progress}${more}`);
      await sleep(INTERVAL_MS);
    }
  } finally {
    shown.done();
  }
}

/** Each time it is another job: one under the same id would be swallowed by one that is under way. */
async function ask(
  open: OpenQueue,
  { kind, target, purpose, options }: MeasurementRequest,
): Promise<string> {
  const jobId = `${kind}.${target}.asked-${randomUUID()}`;
  const signal = AbortSignal.timeout(ENQUEUE_DEADLINE_MS);
  const job = { kind, target, purpose, options, part: 1 };
  await enqueueUntilDurable(open('measure'), 'target', job, jobId, { signal }).catch((error) => {
    if (!signal.aborted) throw error;
    const reason = `nothing was taken within ${ENQUEUE_DEADLINE_MS / 1_000} s`;
    throw new OdometerError('redis_unavailable', { reason }, { cause: error });
  });
  return jobId;
}

async function look(pool: Pool, open: OpenQueue, awaited: Awaited): Promise<void> {
  const { wish, since, jobId } = awaited;
  // First whether the job is gone: what it did is in Postgres then.
  const isGone = (await onceRedisReturns(() => open('measure').get(jobId))) === undefined;
  const { asked, busyWith } = await findAskedMeasurement(pool, wish, since);
  if (asked !== undefined) {
    awaited.progress = progressOf(asked);
    if (asked.state !== 'running') awaited.ended = asked;
    // The worker was killed, or has lost its job; another one goes on where it stopped.
    if (asked.isAbandoned && isGone) awaited.jobId = await ask(open, wish);
    return;
  }
  if (busyWith !== null) {
    awaited.progress = `${wish.target}: its ${busyWith} measurement is under way`;
    return;
  }
  awaited.progress = `${wish.target}: waiting for a worker`;
  if (!isGone) return;
  const reason = await findFailure(pool, 'measure', jobId);
  if (reason !== undefined) throw new OdometerError('job_failed', { jobId, reason });
  // It found the target being measured, which has ended since.
  awaited.jobId = await ask(open, wish);
}

function progressOf({ target, listedObjects, parts, partsRead }: AskedMeasurement): string {
  if (listedObjects === null) return `${target}: under way`;
  if (parts === 0) return `${target}: ${readableFigure(listedObjects)} objects`;
  const share = partsRead / parts;
  const done = Math.round(share * BAR_LENGTH);
  const bar = `[${'#'.repeat(done)}${'.'.repeat(BAR_LENGTH - done)}]`;
  return `${target} ${bar} ${partsRead} of ${parts} parts, ${readableFigure(listedObjects)} objects`;
}
