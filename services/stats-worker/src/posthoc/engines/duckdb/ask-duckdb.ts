import { parseReadingQuery } from '@odometer/domain/readings/reading-query';
import {
  type EngineAnswer,
  type EngineColumn,
  MAX_ANSWER_ROWS,
  type PosthocQuery,
} from '../engine.ts';
import type { Connection, DuckDb } from './open-duckdb.ts';

/** Asks the query, and reads all that it answers. @throws Error as DuckDB says what is wrong */
export async function askDuckDb(
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
