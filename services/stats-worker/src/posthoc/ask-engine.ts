import type { PosthocDeclaration } from '@odometer/domain/posthoc/posthoc-declaration';
import type { EngineAnswer, PosthocEngine, PosthocQuery } from './engines/engine.ts';
import { type ReadAnswer, readAnswer } from './read-answer.ts';

/** Every engine that a declaration may name. */
export type Engines = Readonly<Record<PosthocDeclaration['engine'], PosthocEngine>>;

export interface AskedAnswer extends ReadAnswer {
  readonly asOf: Date;
  readonly engine: Omit<EngineAnswer, 'columns' | 'rows'> & { readonly rows: number };
}

/** Waits for a query that was started, and reads its answer. @throws OdometerError as the engine; `target_invalid` */
export async function askEngine(
  engines: Engines,
  query: PosthocQuery,
  executionId: string | null,
  signal: AbortSignal,
): Promise<AskedAnswer> {
  // When it was asked, not when it answered: what is read is at least as old.
  const asOf = new Date();
  const { columns, rows, unmatchedLines, scannedBytes } = await engines[query.metric.engine].answer(
    query,
    executionId,
    signal,
  );
  const read = readAnswer(query.metric, { columns, rows, unmatchedLines, scannedBytes });
  return { ...read, asOf, engine: { rows: rows.length, unmatchedLines, scannedBytes } };
}
