import { parseReadingQuery } from '@odometer/domain/readings/reading-query';
import { cutText, MAX_TEXT_LENGTH } from '../cut-text.ts';
import type { AnswerSink, EngineColumn, PosthocQuery } from '../engine.ts';
import type { Connection, DuckDb } from './open-duckdb.ts';

/** Rows that are passed on at once. A text may have megabytes, and is cut before the next ones are read. */
const PIECE_ROWS = 256;

/** Asks the query, and passes on all that it answers. @throws Error as DuckDB says what is wrong */
export async function askDuckDb(
  connection: Connection,
  { DuckDBTimestampValue, JsonDuckDBValueConverter, StatementType }: DuckDb,
  query: PosthocQuery,
  sink: AnswerSink,
  signal: AbortSignal,
): Promise<void> {
  const parsed = parseReadingQuery(query.metric.sql);
  if (typeof parsed === 'string') throw new Error(`the query ${parsed}`);
  const statement = await connection.prepare(parsed.text);
  if (statement.statementType !== StatementType.SELECT) throw new Error('the query is no SELECT');
  // Micros since the epoch, without a zone: all times are UTC.
  statement.bindTimestamp(1, new DuckDBTimestampValue(BigInt(query.startMs) * 1_000n));
  statement.bindTimestamp(2, new DuckDBTimestampValue(BigInt(query.endMs) * 1_000n));
  const result = await statement.stream();
  const types = result.columnTypes();
  sink.begin(
    result.columnNames().map((name, i): EngineColumn => ({ name, type: typeOf(String(types[i])) })),
  );
  for (;;) {
    signal.throwIfAborted();
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    let rows: (string | null)[][] = [];
    for (let i = 0; i < chunk.rowCount; i += 1) {
      rows.push(chunk.convertRowValues(i, JsonDuckDBValueConverter).map(textOf));
      if (rows.length < PIECE_ROWS && i + 1 < chunk.rowCount) continue;
      await sink.add(rows);
      rows = [];
    }
  }
}

const EXACT = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(.*\))$/;
const INEXACT = new Set(['FLOAT', 'DOUBLE']);

function typeOf(type: string): EngineColumn['type'] {
  if (EXACT.test(type)) return 'exact';
  return INEXACT.has(type) ? 'inexact' : 'other';
}

function textOf(value: unknown): string | null {
  if (value === null) return null;
  if (typeof value === 'string') return cutText(value, MAX_TEXT_LENGTH);
  return cutText(
    typeof value === 'object' ? JSON.stringify(value) : String(value),
    MAX_TEXT_LENGTH,
  );
}
