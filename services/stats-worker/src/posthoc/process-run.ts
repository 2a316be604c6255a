import { hash } from 'node:crypto';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { believeAnswer } from '@odometer/database/posthoc/believe-answer';
import {
  failRun,
  findRun,
  type PosthocRun,
  startRun,
  storeExecution,
} from '@odometer/database/posthoc/posthoc-runs';
import { isOdometerError } from '@odometer/domain/errors';
import { isInfrastructureError } from '@odometer/queues/infrastructure-error';
import type { Logger } from '@odometer/service-kit/logging';
import { askEngine, type Engines } from './ask-engine.ts';
import type { PosthocCounts } from './posthoc-counts.ts';
import { type ShipParts, shipRun } from './ship-run.ts';
import { usableMetric } from './usable-metric.ts';

export interface RunParts extends ShipParts {
  readonly pool: Pool;
  readonly engines: Engines;
  readonly counts: PosthocCounts;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * Takes a run as far as it goes, from whatever state it is in; see `RunState`. Every step reads the state anew and is safe to
 * repeat, so a worker may be killed anywhere, and two may be at one run.
 *
 * A query that fails is noted and tried again when its time has come: that the job fails would help nobody. Only what we depend
 * on ourselves makes it wait.
 */
export async function processRun(
  parts: RunParts,
  runId: string,
  signal: AbortSignal,
): Promise<void> {
  const planned = await findRun(parts.pool, runId);
  if (planned?.state === 'planned' || planned?.state === 'failed') {
    await startRun(parts.pool, planned, requestToken(planned, planned.attempt + 1));
  }
  const started = await findRun(parts.pool, runId);
  if (started?.state === 'started') await answerRun(parts, started, signal);
  const answered = await findRun(parts.pool, runId);
  if (answered?.state === 'answered' || answered?.state === 'shipped') {
    await shipRun(parts, answered, signal);
  }
}

/** The same for whoever repeats an attempt, and never that of another one. 64 characters, as Athena takes 32 to 128. */
function requestToken({ metric, windowStart, revision }: PosthocRun, attempt: number): string {
  return hash('sha256', JSON.stringify([metric, windowStart, revision, attempt]));
}

async function answerRun(parts: RunParts, run: PosthocRun, signal: AbortSignal): Promise<void> {
  const { pool, engines, counts, log } = parts;
  const fields = {
    metric: run.metric,
    window: run.windowStart.toISOString(),
    revision: run.revision,
  };
  try {
    const metric = await usableMetric(pool, run.metric);
    const query = {
      metric,
      startMs: run.windowStart.getTime(),
      endMs: run.windowEnd.getTime(),
    };
    let { executionId } = run;
    if (executionId === null) {
      const token = requestToken(run, run.attempt);
      executionId = await engines[metric.engine].start(query, token, signal);
      if (executionId !== null) await storeExecution(pool, run, executionId);
    }
    const { rows, unnamed, asOf, engine } = await askEngine(engines, query, executionId, signal);
    const belief = await inTransaction(pool, (transaction) =>
      believeAnswer(transaction, run, { ...engine, rows, asOf }, metric.maxFallPercent),
    );
    if (belief.state === 'lost') return;
    counts.answerRows += engine.rows;
    counts.unmatchedLines += Number(engine.unmatchedLines);
    counts.scannedBytes += Number(engine.scannedBytes);
    counts.unnamedRows += Number(unnamed);
    if (engine.unmatchedLines > 0n || unnamed > 0n) {
      const lines = engine.unmatchedLines.toString();
      log.warn({ event: 'posthoc_lines_lost', ...fields, lines, unnamed: unnamed.toString() });
    }
    if (belief.state === 'held') log.error({ event: 'posthoc_answer_held', ...fields, ...belief });
    else log.info({ event: 'posthoc_answered', ...fields, ...belief, rows: engine.rows });
    // What has events to ship counts when they are counted.
    if (belief.state !== 'answered') counts.add(belief.state);
  } catch (error) {
    if (signal.aborted || isInfrastructureError(error)) throw error;
    const failure = isOdometerError(error) ? error.code : 'unexpected';
    const detail = error instanceof Error ? error.message : String(error);
    if (!(await failRun(pool, run, failure, detail))) return;
    counts.add('failed');
    log.error({ event: 'posthoc_run_failed', ...fields, error });
  }
}
