import type { PosthocDeclaration } from '@odometer/domain/posthoc/posthoc-declaration';

/** A metric's SQL for one window. */
export interface PosthocQuery {
  readonly metric: PosthocDeclaration;
  /** Half-open. */
  readonly startMs: number;
  readonly endMs: number;
}

/** What an engine answers, as text: quantities keep all their digits. */
export interface EngineAnswer {
  readonly columns: readonly EngineColumn[];
  /** In the order of the columns; null is SQL's. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Lines of logs that could not be read, and so are in no row. */
  readonly unmatchedLines: bigint;
  /** Bytes read from where the logs are, as they are stored. */
  readonly scannedBytes: bigint;
  /** Files of logs that were read; absent when the engine does not say. */
  readonly logFiles?: number;
}

export interface EngineColumn {
  readonly name: string;
  /** `inexact` is floating point, whose sums depend on their order; `other` is no number. */
  readonly type: 'exact' | 'inexact' | 'other';
}

/**
 * Takes an answer piece by piece, while it is read: nobody knows how large it will be, as clients choose the paths and names
 * that are in it.
 */
export interface AnswerSink {
  /** A new answer begins; what was taken before is none. */
  begin(columns: readonly EngineColumn[]): void;
  add(rows: EngineAnswer['rows']): Promise<void>;
}

/** A query that runs elsewhere. */
export interface Execution {
  /** What the engine calls it. */
  readonly id: string;
  /** Since it was started. */
  readonly runningMs: number;
}

/** There is no answer yet: ask again in a while. */
export interface StillRunning {
  readonly isRunning: true;
  /** What kept us from learning more, and may have passed by then. */
  readonly trouble?: unknown;
}

/**
 * Answers SQL over logs. It is asked in two steps, so that a query that runs elsewhere is found again by whoever goes on
 * after a crash.
 */
export interface PosthocEngine {
  /**
   * Its queries run in this process, and may be what ends it: whoever finds one that was begun cannot know. Without it they run
   * elsewhere, and go on there.
   */
  readonly runsHere?: true;

  /** How many queries may run there at once, of all workers; without it, as many as there are workers. */
  readonly maxExecutions?: number;

  /**
   * Starts a query. Called again with the same token it starts nothing, and returns the same.
   *
   * @returns what the engine calls the query; null when there is nothing to be found again, and `answer` does it all.
   * @throws OdometerError `target_unavailable`, `target_throttled`, `target_denied`, `target_invalid`
   */
  start(query: PosthocQuery, token: string, signal: AbortSignal): Promise<string | null>;

  /**
   * Reads the answer whole, once there is one. A query that runs elsewhere is not waited for. May be called again for one
   * query, and by two at once. What runs for too long is stopped.
   *
   * @param sink takes the rows, which are not in what is returned then.
   * @throws OdometerError as `start`: there will be no answer; the signal's reason when it is aborted first.
   */
  answer(
    query: PosthocQuery,
    execution: Execution | null,
    signal: AbortSignal,
    sink?: AnswerSink,
  ): Promise<EngineAnswer | StillRunning>;

  /** Stops a query whose answer nobody wants any more, if it runs elsewhere. */
  stop?(query: PosthocQuery, executionId: string, signal: AbortSignal): Promise<void>;
}

/** One that answers in this process, as long as it takes. */
export interface LocalEngine extends PosthocEngine {
  readonly runsHere: true;
  answer(
    query: PosthocQuery,
    execution: Execution | null,
    signal: AbortSignal,
    sink?: AnswerSink,
  ): Promise<EngineAnswer>;
}
