import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { program } from '../program.ts';
import {
  END_MS,
  type EngineCommand,
  MEMORY_MB,
  METRIC,
  type QueryOptions,
  type QueryResult,
  START_MS,
  sortedRows,
  THREADS,
} from './posthoc-query.ts';

/** Our side: the engine of stats-worker, as a run asks it, in a process of its own. */

interface Engine {
  answer(query: object, execution: null, signal: AbortSignal): Promise<{ rows: string[][] }>;
}

/** From test/bench/dist/posthoc. What a service is made of nobody may import, so it has no types here. */
const ENGINE = '../../../../services/stats-worker/dist/posthoc/engines/duckdb/duckdb-engine.js';

await program<QueryOptions, EngineCommand, QueryResult>(async ({ directory }) => {
  const { createDuckDbEngine } = await import(new URL(ENGINE, import.meta.url).href);
  const create = (): Engine =>
    createDuckDbEngine({
      directory,
      limits: { memoryBytes: MEMORY_MB * 1_048_576, threads: THREADS },
      fetch: { aws: {}, maxBytes: 0 },
    });
  const known = create();
  const metric = posthocDeclarationSchema.parse(METRIC);
  const query = { metric, startMs: START_MS, endMs: END_MS };
  return async (command) => {
    // An engine remembers which files it has seen to be whole.
    const engine = command === 'run' ? known : create();
    const startedAtMs = performance.now();
    const { rows } = await engine.answer(query, null, new AbortController().signal);
    return { seconds: (performance.now() - startedAtMs) / 1_000, rows: sortedRows(rows) };
  };
});
