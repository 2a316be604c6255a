import { OdometerError } from '@odometer/domain/errors';
import { parseReadingQuery } from '@odometer/domain/readings/reading-query';
import {
  type EngineAnswer,
  type EngineColumn,
  MAX_ANSWER_ROWS,
  type PosthocEngine,
  type PosthocQuery,
} from '../engine.ts';
import { createLogs } from './create-logs.ts';
import { findFiles } from './find-files.ts';
import {
  type Connection,
  type DuckDb,
  type DuckDbLimits,
  literals,
  withDuckDb,
} from './open-duckdb.ts';

/**
 * Answers in this process, from files. There is nothing to be found again after a crash: whoever goes on asks again.
 *
 * @param options.directory below which the files of declared sources are; undefined: this worker has none.
 */
export function createDuckDbEngine(options: {
  readonly directory: string | undefined;
  readonly limits: DuckDbLimits;
}): PosthocEngine {
  return {
    start: async () => null,
    answer: async (query, _executionId, signal) => {
      const { directory, limits } = options;
      const target = targetOf(query);
      if (directory === undefined) {
        const reason = 'this worker has no directory of logs (ODOMETER_POSTHOC_DIRECTORY)';
        throw new OdometerError('target_invalid', { target, reason });
      }
      const timeout = AbortSignal.timeout(query.metric.timeoutSeconds * 1_000);
      const stop = AbortSignal.any([signal, timeout]);
      try {
        return await withDuckDb(limits, async (connection, duckDb) => {
          const files = await findFiles(connection, directory, query.metric.source, query);
          const unmatched = await createLogs(connection, duckDb, query.metric.source, files.paths);
          await confine(connection, files.paths);
          const answer = await interruptible(connection, stop, () =>
            ask(connection, duckDb, query),
          );
          return {
            ...answer,
            unmatchedLines: await unmatched.count(),
            scannedBytes: files.bytes,
          };
        });
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof OdometerError) throw error;
        const reason = timeout.aborted
          ? `it takes more than ${query.metric.timeoutSeconds} s`
          : messageOf(error);
        throw new OdometerError('target_invalid', { target, reason }, { cause: error });
      }
    },
  };
}

/** The query may read these files, and nothing else of this machine, nor change that. */
async function confine(connection: Connection, files: readonly string[]): Promise<void> {
  await connection.run(`set allowed_paths = ${literals(files)}`);
  await connection.run('set enable_external_access = false');
  await connection.run('set lock_configuration = true');
}

async function interruptible<Result>(
  connection: Connection,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  const interrupt = () => connection.interrupt();
  signal.throwIfAborted();
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

async function ask(
  connection: Connection,
  { DuckDBTimestampValue, StatementType }: DuckDb,
  query: PosthocQuery,
): Promise<Pick<EngineAnswer, 'columns' | 'rows'>> {
  const parsed = parseReadingQuery(query.metric.sql);
  if (typeof parsed === 'string') throw new Error(`the query ${parsed}`);
  const statement = await connection.prepare(parsed.text);
  if (statement.statementType !== StatementType.SELECT) throw new Error('the query is no SELECT');
  // Micros since the epoch, without a zone: all times are UTC.
  statement.bindTimestamp(1, new DuckDBTimestampValue(BigInt(query.startMs) * 1_000n));
  statement.bindTimestamp(2, new DuckDBTimestampValue(BigInt(query.endMs) * 1_000n));
  const reader = await statement.streamAndReadUntil(MAX_ANSWER_ROWS + 1);
  if (reader.currentRowCount > MAX_ANSWER_ROWS) {
    throw new Error(`the answer has more than ${MAX_ANSWER_ROWS} rows`);
  }
  const types = reader.columnTypes();
  const columns = reader
    .columnNames()
    .map((name, i): EngineColumn => ({ name, type: typeOf(String(types[i])) }));
  const rows = reader.getRowsJson().map((row) => row.map(textOf));
  return { columns, rows };
}

const EXACT = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(.*\))$/;
const INEXACT = new Set(['FLOAT', 'DOUBLE']);

function typeOf(type: string): EngineColumn['type'] {
  if (EXACT.test(type)) return 'exact';
  return INEXACT.has(type) ? 'inexact' : 'other';
}

function textOf(value: unknown): string | null {
  if (value === null || typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function targetOf({ metric }: PosthocQuery): string {
  return `post-hoc metric ${metric.name}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
