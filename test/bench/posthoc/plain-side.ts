import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { program } from '../program.ts';
import { ALB_COLUMNS } from './alb-logs.ts';
import {
  END_MS,
  MEMORY_MB,
  type QueryOptions,
  type QueryResult,
  SQL,
  START_MS,
  sortedRows,
  THREADS,
} from './posthoc-query.ts';

/** Their side: what somebody would type into DuckDB, in a process of its own. It counts no line that it cannot read. */

await program<QueryOptions, 'run', QueryResult>(async ({ directory }) => {
  const files = readdirSync(directory).map((name) => `'${join(directory, name)}'`);
  const columns = ALB_COLUMNS.map((name) => `${name}: 'VARCHAR'`);
  const logs = `read_csv([${files.join(', ')}], auto_detect = false, header = false, columns = {${columns.join(', ')}},
    delim = ' ', quote = '"', escape = '\\', strict_mode = false)`;
  const time = (ms: number) => `timestamp '${new Date(ms).toISOString().slice(0, -1)}'`;
  const sql = SQL.replace('from logs', `from ${logs}`)
    .replaceAll(':start', time(START_MS))
    .replaceAll(':end', time(END_MS));
  return async () => {
    const startedAtMs = performance.now();
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${MEMORY_MB}MiB`,
      threads: String(THREADS),
    });
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(sql);
    const rows = sortedRows(reader.getRows());
    connection.closeSync();
    instance.closeSync();
    return { seconds: (performance.now() - startedAtMs) / 1_000, rows };
  };
});
