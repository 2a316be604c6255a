import { OdometerError } from '@odometer/domain/errors';
import type { LogSource } from '@odometer/domain/posthoc/log-source';
import { CollectedRows } from '../collected-rows.ts';
import type { AnswerSink, EngineAnswer, LocalEngine, PosthocQuery } from '../engine.ts';
import { askDuckDb } from './ask-duckdb.ts';
import { createLogs } from './create-logs.ts';
import { createDialect } from './dialect.ts';
import { type FetchParts, fetchLogs } from './fetch-logs.ts';
import { findFiles, type LogFiles } from './find-files.ts';
import { type Connection, type DuckDbLimits, literals, withDuckDb } from './open-duckdb.ts';
import { WholeGzip } from './whole-gzip.ts';
import { withWorkDirectory } from './work-directory.ts';

export interface DuckDbEngineParts {
  /** Below which the files of declared sources are; undefined: this worker has none. */
  readonly directory: string | undefined;
  readonly limits: DuckDbLimits;
  /** For sources in buckets. */
  readonly fetch: FetchParts;
}

/** Answers in this process, from files. There is nothing to be found again after a crash: whoever goes on asks again. */
export function createDuckDbEngine(parts: DuckDbEngineParts): LocalEngine {
  const wholeGzip = new WholeGzip();
  return {
    runsHere: true,
    start: async () => null,
    answer: async (query, _executionId, signal, sink) => {
      const timeout = AbortSignal.timeout(query.metric.timeoutSeconds * 1_000);
      let files: LogFiles | undefined;
      try {
        return await withWorkDirectory(async ({ spill, logs }) => {
          const source = sourceOf(query);
          const stop = AbortSignal.any([signal, timeout]);
          files =
            source.type === 's3'
              ? await fetchLogs(parts.fetch, source, query, logs, stop)
              : await findFiles(directoryOf(query, parts.directory), source, query, logs, stop);
          const collected = new CollectedRows();
          const attempt = { files, spill, stop, sink: sink ?? collected };
          const figures = await answerWhole(parts, query, attempt, wholeGzip);
          return { ...figures, ...collected.answer };
        });
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof OdometerError) throw error;
        const reason = timeout.aborted
          ? `it takes more than ${query.metric.timeoutSeconds} s`
          : withNames(messageOf(error), files);
        throw invalid(query, reason, error);
      }
    },
  };
}

interface Attempt {
  readonly files: LogFiles;
  readonly spill: string;
  readonly stop: AbortSignal;
  readonly sink: AnswerSink;
}

type Figures = Omit<EngineAnswer, 'columns' | 'rows'>;

/** Believes an answer only when the files that it was read from were whole, and are still there. */
async function answerWhole(
  parts: DuckDbEngineParts,
  query: PosthocQuery,
  attempt: Attempt,
  wholeGzip: WholeGzip,
): Promise<Figures> {
  const { files } = attempt;
  // When one of the two fails nobody needs the other.
  const failed = new AbortController();
  const stop = AbortSignal.any([attempt.stop, failed.signal]);
  const answering = answerFrom(parts, query, { ...attempt, stop });
  const both = [answering, wholeGzip.require(files, stop)];
  try {
    await Promise.all(both);
  } catch (error) {
    failed.abort(error);
    // Nobody reads files that are removed.
    await Promise.allSettled(both);
    // DuckDB does not say which file is none.
    const isNameless = !(error instanceof OdometerError) && /gzip/i.test(messageOf(error));
    if (isNameless) await wholeGzip.require(files, attempt.stop);
    throw error;
  }
  await files.requireSame(attempt.stop);
  return answering;
}

/**
 * DuckDB 1.5 ends with an internal error when it meets a line that is no UTF-8 and reads only some of its columns. Such lines are
 * rare, and reading all columns takes much longer: so it is done only then, in another database, as the first is of no more use.
 */
async function answerFrom(
  parts: DuckDbEngineParts,
  query: PosthocQuery,
  attempt: Attempt,
): Promise<Figures> {
  try {
    return await answerOnce(parts, query, attempt, false);
  } catch (error) {
    attempt.stop.throwIfAborted();
    const isBroken = /INTERNAL Error|FATAL Error|invalid unicode|utf-?8/i.test(messageOf(error));
    if (!isBroken || sourceOf(query).format.type !== 'delimited') throw error;
    return answerOnce(parts, query, attempt, true);
  }
}

function answerOnce(
  { limits }: DuckDbEngineParts,
  query: PosthocQuery,
  { files, spill, stop, sink }: Attempt,
  isWhole: boolean,
): Promise<Figures> {
  const source = sourceOf(query);
  return withDuckDb(limits, spill, async (connection, duckDb) => {
    const reading = { files: files.paths, isWhole };
    const unmatched = await createLogs(connection, duckDb, source.format, reading);
    await createDialect(connection);
    await confine(connection, files.paths);
    await interruptible(connection, stop, () => askDuckDb(connection, duckDb, query, sink, stop));
    const unmatchedLines = await unmatched.count();
    return { unmatchedLines, scannedBytes: files.bytes, logFiles: files.paths.length };
  });
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

function sourceOf(query: PosthocQuery): LogSource {
  const { source } = query.metric;
  if (source === undefined) throw invalid(query, 'it says no source, which DuckDB reads');
  return source;
}

function directoryOf(query: PosthocQuery, directory: string | undefined): string {
  if (directory !== undefined) return directory;
  throw invalid(query, 'this worker has no directory of logs (ODOMETER_POSTHOC_DIRECTORY)');
}

function invalid({ metric }: PosthocQuery, reason: string, cause?: unknown): OdometerError {
  const target = `post-hoc metric ${metric.name}`;
  return new OdometerError('target_invalid', { target, reason }, { cause });
}

/** Names files as they are called where the logs are: ours are gone when somebody reads this. */
function withNames(message: string, files: LogFiles | undefined): string {
  let text = message;
  for (const path of files?.paths ?? []) {
    if (text.includes(path)) text = text.replaceAll(path, () => files?.nameOf(path) ?? path);
  }
  return text;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
