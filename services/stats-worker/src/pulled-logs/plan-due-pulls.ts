import type { Pool } from '@odometer/database/pool';
import { listPulledLogs, type StoredPulledLog } from '@odometer/database/pulled-logs/pulled-logs';
import { durationMs } from '@odometer/domain/posthoc/duration';
import { isLeftAlone } from '@odometer/domain/pulled-logs/left-alone';
import { pulledLogDeclarationSchema } from '@odometer/domain/pulled-logs/pulled-log-declaration';
import type { JobQueue } from '@odometer/queues/job-queue';
import { PULL_TURN, pullJobId } from '@odometer/queues/pull-job';

/** Asks for every pulled log that is due. One that waits already is not added again. */
export async function planDuePulls(
  pool: Pool,
  queue: JobQueue<'posthoc'>,
  nowMs: number,
): Promise<void> {
  for (const log of await listPulledLogs(pool)) {
    const job = { log: log.name };
    if (isDue(log, nowMs)) await queue.add('pull', job, pullJobId(job), PULL_TURN);
  }
}

/** Intervals are those of the clock, so that a bell that comes a moment early is not one that is missed. */
export function isDue(
  { declaration, startedAt, retryAt, failures, caughtUp }: StoredPulledLog,
  nowMs: number,
): boolean {
  const { data: log } = pulledLogDeclarationSchema.safeParse(declaration);
  // What another version has declared is left to it.
  if (log === undefined || log.paused || isLeftAlone(retryAt, nowMs)) return false;
  // Also what a worker, or a Redis, that died has left in the middle.
  if (startedAt === null || failures > 0 || !caughtUp) return true;
  const intervalMs = durationMs(log.interval);
  // Not only later: one that was begun while a clock was ahead would keep the log unread for as long.
  return Math.floor(nowMs / intervalMs) !== Math.floor(startedAt.getTime() / intervalMs);
}
