import { recordAudit } from '@odometer/database/audit-log';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { lockForPlanning, planRun } from '@odometer/database/posthoc/plan-runs';
import { findRun, type ListedRun, listRuns } from '@odometer/database/posthoc/posthoc-runs';
import { OdometerError } from '@odometer/domain/errors';
import { POSTHOC_RUN_DAYS } from '@odometer/domain/posthoc/run-retention';
import { posthocJobId } from '@odometer/queues/posthoc-job';
import type { Command } from 'commander';
import { actor } from '../actor.ts';
import { instant } from '../arguments.ts';
import { UnsatisfiedError } from '../failure.ts';
import { addCommand, type OutputOptions, print, printJson } from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { withQueues } from '../redis.ts';
import { waitForJob } from '../wait-for-job.ts';
import { declaredMetric, type Window, windowAt } from './declared-metric.ts';
import { NO_LOGS, printRuns } from './print-runs.ts';
import { queryProgress } from './query-progress.ts';

const DAY_MS = 86_400_000;

interface RunOptions extends OutputOptions {
  readonly window?: number;
  readonly acceptFall?: boolean;
  readonly wait: boolean;
}

export function addRun(posthoc: Command): void {
  addCommand(posthoc, 'run', 'ask for a window now, and ship what has changed')
    .argument('<name>', 'declared name')
    .option(
      '--window <start>',
      'the window that begins here, 2026-10-01T10:00Z; without it, the last that has ended',
      instant,
    )
    .option('--accept-fall', 'believe the answer, however far it falls')
    .option('--no-wait', 'only ask the worker')
    .action(run);
}

async function run(
  name: string,
  { window, acceptFall = false, wait, json }: RunOptions,
): Promise<void> {
  const asked = await withQueues((open) =>
    withPostgres(async (pool) => {
      const metric = await declaredMetric(pool, name);
      const runId = await plan(pool, name, windowAt(metric, window, Date.now()), acceptFall);
      const queue = open('posthoc');
      const jobId = posthocJobId(runId);
      await queue.add('run', { runId }, jobId);
      let found: ListedRun | undefined;
      const look = async () => {
        [found] = await listRuns(pool, { id: runId, limit: 1 });
        const isDone =
          found !== undefined && (found.finishedAt !== null || found.state === 'failed');
        const query = found?.state === 'started' ? await findRun(pool, runId) : undefined;
        const progress = `${name}: ${found?.state ?? 'not planned'}${queryProgress(metric, query)}`;
        return { isDone, progress };
      };
      if (wait) await waitForJob({ pool, queue }, jobId, look);
      else await look();
      return found;
    }),
  );
  if (asked === undefined) return;
  if (json) printJson(asked);
  else if (wait) printAnswered(asked);
  else print('The worker is asked for it; odometer posthoc runs shows what becomes of it.');
  if (asked.state === 'failed' || asked.state === 'held') {
    throw new UnsatisfiedError(`${name}: ${asked.state}: ${asked.detail ?? 'no reason is known'}`);
  }
}

function printAnswered(run: ListedRun): void {
  printRuns([run]);
  if (run.logFiles === 0) print(NO_LOGS);
  if (run.state === 'superseded') {
    print('A later one took its place; odometer posthoc runs shows what becomes of it.');
  }
}

async function plan(
  pool: Pool,
  metric: string,
  { windowStart, windowEnd }: Window,
  acceptFall: boolean,
): Promise<string> {
  return inTransaction(pool, async (transaction) => {
    const planning = await lockForPlanning(transaction, metric);
    requireRemembered(planning?.forgottenBefore ?? null, windowStart);
    const wanted = { windowStart, windowEnd, dueAfterS: null, acceptFall };
    const runId = await planRun(transaction, metric, wanted);
    await recordAudit(transaction, {
      actor: actor(),
      action: acceptFall ? 'posthoc-metric.accept_fall' : 'posthoc-metric.run',
      subject: metric,
      detail: { windowStart, windowEnd },
    });
    return runId;
  });
}

/**
 * What was counted of a window that is forgotten would be counted again. One that would be forgotten at once is refused as well.
 *
 * @throws OdometerError `query_invalid`
 */
function requireRemembered(forgottenBefore: Date | null, windowStart: Date): void {
  const keptFromMs = Date.now() - POSTHOC_RUN_DAYS * DAY_MS;
  const fromMs = Math.max(forgottenBefore?.getTime() ?? keptFromMs, keptFromMs);
  if (windowStart.getTime() >= fromMs) return;
  throw new OdometerError('query_invalid', {
    parameter: '--window',
    problem: `should not be before ${new Date(fromMs).toISOString()}: what was counted until then is forgotten`,
  });
}
