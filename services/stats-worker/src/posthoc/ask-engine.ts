import type { Pool } from '@odometer/database/pool';
import { registeredProjects, settledInstant } from '@odometer/database/posthoc/registered-projects';
import { isOdometerError } from '@odometer/domain/errors';
import type { PosthocDeclaration } from '@odometer/domain/posthoc/posthoc-declaration';
import type { LeftOut } from '@odometer/domain/posthoc/shown-answer';
import { AnswerReader, type ReadAnswer } from './answer-reader.ts';
import type { EngineAnswer, PosthocEngine, PosthocQuery } from './engines/engine.ts';

/** Every engine that a declaration may name. */
export type Engines = Readonly<Record<PosthocDeclaration['engine'], PosthocEngine>>;

/** What is known of an asking, from Postgres. */
export interface Asking {
  readonly token: string;
  /** What the engine calls the query; null: it was not started, or was and nobody could say so any more. */
  readonly executionId: string | null;
  readonly startedAt: Date;
  readonly runningMs: number;
}

export interface AskedAnswer extends Omit<ReadAnswer, 'answered'> {
  readonly asOf: Date;
  readonly engine: Omit<EngineAnswer, 'columns' | 'rows'> & { readonly rows: number };
}

/** What of an answer people should know is not in it. */
export function leftOutOf({ unnamed, registeredAt, merged }: AskedAnswer): LeftOut {
  return {
    unnamedRows: Number(unnamed),
    onlyRegistered: registeredAt !== undefined,
    mergedProjects: merged,
  };
}

/** There is no answer yet. */
export interface Again {
  readonly afterMs: number;
  /** What kept us from asking. */
  readonly trouble?: unknown;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/**
 * Goes on with an asking: starts its query unless that is known to be started, and reads the answer once there is one. Never
 * waits for a query that runs elsewhere: whoever calls comes again.
 *
 * @param storeExecution is called as soon as a query that runs elsewhere is started.
 * @throws OdometerError as the engine; `target_invalid`: the answer is none of this metric.
 */
export async function askEngine(
  { pool, engines }: { readonly pool: Pool; readonly engines: Engines },
  query: PosthocQuery,
  asking: Asking,
  storeExecution: (executionId: string) => Promise<void>,
  signal: AbortSignal,
): Promise<AskedAnswer | Again> {
  const { metric } = query;
  const { token, startedAt, runningMs } = asking;
  const engine = engines[metric.engine];
  let { executionId } = asking;
  if (executionId === null) {
    try {
      executionId = await engine.start(query, token, signal);
    } catch (error) {
      // Asked again with the same token, so it runs once, whatever became of this.
      const isLate = runningMs > metric.timeoutSeconds * 1_000;
      if (engine.maxExecutions === undefined || isLate || !isPassing(error)) throw error;
      return { afterMs: waitMs(runningMs), trouble: error };
    }
    if (executionId !== null) await storeExecution(executionId);
  }
  // When it was asked, not when it answered: what is read is at least as old.
  const asOf = executionId === null ? new Date() : startedAt;
  const execution = executionId === null ? null : { id: executionId, runningMs };
  const reader = new AnswerReader(metric, {
    settledInstant: () => settledInstant(pool),
    registered: (names, at) => registeredProjects(pool, names, at),
  });
  const answered = await engine.answer(query, execution, signal, reader);
  if ('isRunning' in answered) {
    const { trouble } = answered;
    return { afterMs: waitMs(runningMs), ...(trouble === undefined ? {} : { trouble }) };
  }
  const { unmatchedLines, scannedBytes, logFiles } = answered;
  const { answered: rows, ...read } = reader.result();
  return {
    ...read,
    asOf,
    engine: {
      rows,
      unmatchedLines,
      scannedBytes,
      ...(logFiles !== undefined && { logFiles }),
    },
  };
}

/** Whether an engine may take it when it is asked again. */
function isPassing(error: unknown): boolean {
  return (
    isOdometerError(error) &&
    (error.code === 'target_throttled' || error.code === 'target_unavailable')
  );
}

/**
 * How long to wait before a query is asked for again: half a second, each time half as much again, up to ten seconds. All waits
 * before one come to (1.5ⁿ − 1) s, so that one is half of them and half a second. Of it a random half is kept.
 */
export function waitMs(runningMs: number, random: () => number = Math.random): number {
  const most = Math.min(FIRST_WAIT_MS + Math.max(0, runningMs) / 2, LONGEST_WAIT_MS);
  return Math.round(most * (0.5 + random() / 2));
}
