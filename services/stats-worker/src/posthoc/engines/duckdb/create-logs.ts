import { columnNames, type LogFormat, parquetColumns } from '@odometer/domain/posthoc/log-format';
import { delimitedLogs, type Reading, rejectedLines } from './delimited-logs.ts';
import { jsonLogs } from './json-logs.ts';
import { type Connection, type DuckDb, quoted } from './open-duckdb.ts';
import { PARQUET_TYPES, parquetLogs } from './parquet-logs.ts';
import { patternLogs } from './pattern-logs.ts';
import { noteUnmatched } from './unmatched-lines.ts';

/** Counts lines that could not be read. */
export interface UnmatchedLines {
  count(): Promise<bigint>;
}

/**
 * Makes the table `logs` over the files: a view, so that they are read once, by the query itself, and only as far as it needs
 * them. Lines that cannot be read are in none of its rows, and are counted while it is read.
 */
export async function createLogs(
  connection: Connection,
  duckDb: DuckDb,
  format: LogFormat,
  reading: Reading,
): Promise<UnmatchedLines> {
  if (reading.files.length === 0) {
    await connection.run(`create view logs as ${noRows(format)}`);
    return { count: async () => 0n };
  }
  const noted = noteUnmatched(connection, duckDb);
  await connection.run(`create view logs as ${await rowsOf(connection, format, reading)}`);
  return { count: async () => noted.lines() + (await rejectedLines(connection)) };
}

async function rowsOf(
  connection: Connection,
  format: LogFormat,
  reading: Reading,
): Promise<string> {
  switch (format.type) {
    case 'delimited':
      return delimitedLogs(format, reading);
    case 'pattern':
      return patternLogs(format, reading.files);
    case 'json':
      return jsonLogs(format, reading.files);
    case 'parquet':
      return parquetLogs(connection, format, reading.files);
  }
}

/** Columns of the types that they have when there are files: a query should mean the same. */
function noRows(format: LogFormat): string {
  const types = format.type === 'parquet' ? parquetColumns(format) : new Map<string, never>();
  const columns = columnNames(format).map(
    (name) => `null::${PARQUET_TYPES[types.get(name) ?? 'text']} as ${quoted(name)}`,
  );
  return `select ${columns.join(', ')} where false`;
}
