import type { Pool } from '@odometer/database/pool';
import {
  answerTest,
  beginTest,
  findTest,
  storeTestExecution,
} from '@odometer/database/posthoc/posthoc-tests';
import { OdometerError } from '@odometer/domain/errors';
import type { ShownAnswer } from '@odometer/domain/posthoc/shown-answer';
import { isInfrastructureError } from '@odometer/queues/infrastructure-error';
import { type Again, askEngine, type Engines, leftOutOf } from './ask-engine.ts';
import { usableMetric } from './usable-metric.ts';

/** Enough to see whether a query is right. */
const MAX_SHOWN_ROWS = 1_000;
/** A worker may stop, or be killed, for reasons that are not the query's. */
const MAX_ATTEMPTS = 3;

/**
 * Answers a window for somebody who wants to see it. Nothing is shipped, and no run knows of it.
 *
 * @returns when to come again for a query that runs elsewhere; undefined: it is answered.
 */
export async function runTest(
  { pool, engines }: { readonly pool: Pool; readonly engines: Engines },
  testId: string,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const test = await findTest(pool, testId);
  if (test === undefined || test.answer !== null || test.failure !== null) return undefined;
  try {
    const metric = await usableMetric(pool, test.metric);
    const query = { metric, startMs: test.windowStart.getTime(), endMs: test.windowEnd.getTime() };
    if (engines[metric.engine].runsHere === true) {
      const attempt = await beginTest(pool, testId);
      if (attempt > MAX_ATTEMPTS) {
        throw new OdometerError('target_invalid', {
          target: `post-hoc metric ${metric.name}`,
          reason: 'the worker was gone before the query had an answer, each time',
        });
      }
    }
    const asked = await askEngine(
      { pool, engines },
      query,
      { ...test, token: testId, startedAt: test.askedAt },
      (executionId) => storeTestExecution(pool, testId, executionId),
      signal,
    );
    if ('afterMs' in asked) return asked;
    const { rows, engine } = asked;
    const answer: ShownAnswer = {
      rows: rows.slice(0, MAX_SHOWN_ROWS).map(({ organization, project, dimensions, value }) => ({
        organization,
        project,
        dimensions,
        value,
      })),
      rowCount: rows.length,
      ...leftOutOf(asked),
      unmatchedLines: Number(engine.unmatchedLines),
      scannedBytes: Number(engine.scannedBytes),
      ...(engine.logFiles !== undefined && { logFiles: engine.logFiles }),
    };
    await answerTest(pool, testId, { answer });
  } catch (error) {
    if (signal.aborted || isInfrastructureError(error)) throw error;
    await answerTest(pool, testId, {
      failure: error instanceof Error ? error.message : String(error),
    });
  }
  return undefined;
}
