import { hash } from 'node:crypto';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { believeAnswer } from '@odometer/database/posthoc/believe-answer';
import {
  beginAgain,
  countExecutions,
  failRun,
  findRun,
  type PosthocRun,
  startRun,
  storeExecution,
} from '@odometer/database/posthoc/posthoc-runs';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import type { PosthocDeclaration } from '@odometer/domain/posthoc/posthoc-declaration';
import { leftOutText } from '@odometer/domain/posthoc/shown-answer';
import { isInfrastructureError } from '@odometer/queues/infrastructure-error';
import { type Again, askEngine, type Engines, leftOutOf } from './ask-engine.ts';
import type { PosthocQuery } from './engines/engine.ts';
import type { PosthocCounts } from './posthoc-counts.ts';
import { queryDigest } from './query-digest.ts';
import { type ShipParts, shipRun } from './ship-run.ts';
import { usableMetric } from './usable-metric.ts';

export interface RunParts extends ShipParts {
  readonly pool: Pool;
  readonly engines: Engines;
  readonly counts: PosthocCounts;
}

/**
 * Takes a run as far as it goes, from whatever state it is in; see `RunState`. Every step reads the state anew and is safe to
 * repeat, so a worker may be killed anywhere, and two may be at one run.
 *
 * A query that fails is noted and tried again when its time has come: that the job fails would help nobody. Only what we depend
 * on ourselves makes it wait.
 *
 * @returns when to come again for a query that runs elsewhere, or has to wait until fewer do, or for events that are being
 *   counted; undefined: that is all for now.
 */
export async function processRun(
  parts: RunParts,
  runId: string,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const planned = await findRun(parts.pool, runId);
  if (planned?.state === 'planned' || planned?.state === 'failed') {
    const metric = await metricOf(parts.pool, planned);
    // Its job has waited since before it was paused; the bell asks for it again when it goes on.
    if (metric?.paused === true && !planned.isAsked) return undefined;
    if (metric !== undefined && (await isFull(parts, metric))) return { afterMs: NO_PLACE_MS };
    await startRun(parts.pool, planned, requestToken(planned, planned.attempt + 1));
  }
  if (planned?.state === 'started') await takeOver(parts, planned);
  const started = await findRun(parts.pool, runId);
  if (started?.state === 'started') {
    const again = await answerRun(parts, started, signal);
    if (again !== undefined) return again;
  }
  if (started?.state === 'superseded') await stopQuery(parts, started, signal);
  const answered = await findRun(parts.pool, runId);
  if (answered?.state === 'answered' || answered?.state === 'shipped') {
    return shipRun(parts, answered);
  }
  return undefined;
}

/** As it is declared; undefined when it cannot be used: whoever goes on finds out, and says so. */
function metricOf(pool: Pool, run: PosthocRun): Promise<PosthocDeclaration | undefined> {
  return usableMetric(pool, run.metric).catch((error: unknown) => {
    if (isOdometerError(error) && error.code === 'target_invalid') return undefined;
    throw error;
  });
}

/** As long as a query takes. There may be hundreds of runs that wait for a place, and each look is a few statements. */
const NO_PLACE_MS = 20_000;

/** Whether as many queries run at the engine as may. Two who ask at once may both find the last place: no harm is done. */
async function isFull({ pool, engines }: RunParts, metric: PosthocDeclaration): Promise<boolean> {
  const most = engines[metric.engine].maxExecutions;
  return most !== undefined && (await countExecutions(pool)) >= most;
}

/** A worker may stop, or be killed, for reasons that are not the query's. */
const ATTEMPTS_AT_ONCE = 3;

/**
 * Begins a query again that ran in a worker which is gone. What ended it may have been the query: then whoever begins it again is
 * ended, too, and with it all that this worker does besides. So after a few attempts it waits, as what has failed.
 */
async function takeOver({ pool, engines, counts, log }: RunParts, run: PosthocRun): Promise<void> {
  const metric = await metricOf(pool, run);
  if (metric === undefined || engines[metric.engine].runsHere !== true) return;
  if (run.executionId !== null) return;
  if (run.attempt < ATTEMPTS_AT_ONCE) {
    await beginAgain(pool, run, requestToken(run, run.attempt + 1));
    return;
  }
  const detail = `the worker was gone before the query had an answer, ${run.attempt} times`;
  if (!(await failRun(pool, run, 'worker_lost', detail))) return;
  counts.add('failed');
  const window = run.windowStart.toISOString();
  log.error({ event: 'posthoc_worker_lost', metric: run.metric, window, attempt: run.attempt });
}

/** It is of no use any more while its query runs: that costs money, and nobody will read its answer. */
async function stopQuery(
  { pool, engines, log }: RunParts,
  run: PosthocRun,
  signal: AbortSignal,
): Promise<void> {
  if (run.executionId === null || run.asOf !== null) return;
  try {
    const metric = await usableMetric(pool, run.metric);
    await engines[metric.engine].stop?.(queryOf(metric, run), run.executionId, signal);
  } catch (error) {
    if (signal.aborted || isInfrastructureError(error)) throw error;
    log.warn({ event: 'posthoc_query_not_stopped', metric: run.metric, error });
  }
}

function queryOf(metric: PosthocDeclaration, run: PosthocRun): PosthocQuery {
  return { metric, startMs: run.windowStart.getTime(), endMs: run.windowEnd.getTime() };
}

/** The same for whoever repeats an attempt, and never that of another one. 64 characters, as Athena takes 32 to 128. */
function requestToken({ metric, windowStart, revision }: PosthocRun, attempt: number): string {
  return hash('sha256', JSON.stringify([metric, windowStart, revision, attempt]));
}

async function answerRun(
  parts: RunParts,
  run: PosthocRun,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const { pool, counts, log } = parts;
  const fields = {
    metric: run.metric,
    window: run.windowStart.toISOString(),
    revision: run.revision,
  };
  try {
    const metric = await usableMetric(pool, run.metric);
    const digest = queryDigest(metric);
    if (run.executionId !== null && run.queryDigest !== digest) {
      await stopQuery(parts, run, signal);
      throw new OdometerError('target_invalid', {
        target: `post-hoc metric ${run.metric}`,
        reason: 'it was declared otherwise while its query ran',
      });
    }
    const asked = await askEngine(
      parts,
      queryOf(metric, run),
      {
        token: requestToken(run, run.attempt),
        executionId: run.executionId,
        startedAt: run.startedAt ?? new Date(),
        runningMs: run.runningMs ?? 0,
      },
      (executionId) => storeExecution(pool, run, executionId, digest),
      signal,
    );
    if ('afterMs' in asked) {
      if (asked.trouble !== undefined) {
        log.warn({ event: 'posthoc_query_unreachable', ...fields, error: asked.trouble });
      }
      return asked;
    }
    const { rows, unnamed, merged, registeredAt, asOf, engine } = asked;
    const belief = await inTransaction(pool, (transaction) =>
      believeAnswer(
        transaction,
        run,
        { ...engine, rows, registeredAt, asOf, remark: leftOutText(leftOutOf(asked)) },
        metric.maxFallPercent,
      ),
    );
    if (belief.state === 'lost') return undefined;
    if ('isFirst' in belief) counts.addCompared(belief);
    counts.answerRows += engine.rows;
    counts.unmatchedLines += Number(engine.unmatchedLines);
    counts.addScanned(metric.engine, Number(engine.scannedBytes));
    counts.unnamedRows += Number(unnamed);
    if (engine.unmatchedLines > 0n || unnamed > 0n) {
      const lines = engine.unmatchedLines.toString();
      log.warn({ event: 'posthoc_lines_lost', ...fields, lines, unnamed: unnamed.toString() });
    }
    if (merged > 0) log.warn({ event: 'posthoc_projects_merged', ...fields, projects: merged });
    if (belief.state === 'held') log.error({ event: 'posthoc_answer_held', ...fields, ...belief });
    else log.info({ event: 'posthoc_answered', ...fields, ...belief, rows: engine.rows });
    // What has events to ship counts when they are counted.
    if (belief.state !== 'answered') counts.add(belief.state);
  } catch (error) {
    if (signal.aborted || isInfrastructureError(error)) throw error;
    const failure = isOdometerError(error) ? error.code : 'unexpected';
    const detail = error instanceof Error ? error.message : String(error);
    if (!(await failRun(pool, run, failure, detail))) return undefined;
    counts.add('failed');
    log.error({ event: 'posthoc_run_failed', ...fields, error });
  }
  return undefined;
}
