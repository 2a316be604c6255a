import { inTransaction, type Pool } from '@odometer/database/pool';
import {
  forgetPremature,
  lockForPlanning,
  plannedWindows,
  planRun,
  settleWindows,
  unfinishedRuns,
} from '@odometer/database/posthoc/plan-runs';
import { listPosthocMetrics } from '@odometer/database/posthoc/posthoc-metrics';
import { durationMs } from '@odometer/domain/posthoc/duration';
import {
  type PosthocDeclaration,
  posthocDeclarationSchema,
  windowMs,
} from '@odometer/domain/posthoc/posthoc-declaration';
import type { JobQueue } from '@odometer/queues/job-queue';
import { posthocJobId } from '@odometer/queues/posthoc-job';

/** Of one bell and metric; the next bell goes on. Jobs that wait already are not added again. */
const MAX_JOBS = 500;

/**
 * Plans all runs that are due, the oldest windows first, and asks for everything that is unfinished: also for what was begun
 * and left by a worker, or a Redis, that died. A window that was missed several times is asked for once, as it is now.
 */
export async function planDueRuns(
  pool: Pool,
  queue: JobQueue<'posthoc'>,
  nowMs: number,
): Promise<void> {
  for (const { declaration } of await listPosthocMetrics(pool)) {
    const { data: metric } = posthocDeclarationSchema.safeParse(declaration);
    // What another version has declared is left to it.
    if (metric?.paused === false) await planMetric(pool, metric, nowMs);
  }
  // A window that is due comes before the hundreds that a `lookback` or an outage of another metric has left, and what people
  // ask for, and pulled logs, before all of them.
  for (const { id, place } of await unfinishedRuns(pool, new Date(nowMs), MAX_JOBS)) {
    await queue.add('run', { runId: id }, posthocJobId(id), place);
  }
}

async function planMetric(pool: Pool, metric: PosthocDeclaration, nowMs: number): Promise<void> {
  const lengthMs = windowMs(metric.window);
  const delaysMs = metric.revisions.map(durationMs);
  const lastS = (delaysMs.at(-1) ?? 0) / 1_000;
  await inTransaction(pool, async (transaction) => {
    const planning = await lockForPlanning(transaction, metric.name);
    if (planning === undefined) return;
    const settledBefore =
      (await forgetPremature(transaction, metric.name)) ?? planning.settledBefore;
    const fromMs = settledBefore.getTime();
    const asked = new Map(
      (await plannedWindows(transaction, metric.name, settledBefore, new Date(nowMs))).map(
        ({ startMs, askedAfterS }) => [startMs, askedAfterS],
      ),
    );
    let settledMs = fromMs;
    for (let startMs = fromMs; startMs + lengthMs <= nowMs; startMs += lengthMs) {
      const endMs = startMs + lengthMs;
      let askedS = asked.get(startMs) ?? 0;
      const dueS = (delaysMs.findLast((delayMs) => endMs + delayMs <= nowMs) ?? 0) / 1_000;
      if (dueS > askedS) {
        await planRun(transaction, metric.name, {
          windowStart: new Date(startMs),
          windowEnd: new Date(endMs),
          dueAfterS: dueS,
        });
        askedS = dueS;
      }
      if (askedS >= lastS && startMs === settledMs) settledMs = endMs;
    }
    if (settledMs > fromMs) await settleWindows(transaction, metric.name, new Date(settledMs));
  });
}
