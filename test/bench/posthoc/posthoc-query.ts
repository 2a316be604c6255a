import { ALB_COLUMNS } from './alb-logs.ts';

export const START_MS = Date.parse('2026-10-01T10:00:00Z');
export const END_MS = START_MS + 3_600_000;

/** What both sides may have: the defaults of ODOMETER_POSTHOC_MEMORY_MB and ODOMETER_POSTHOC_THREADS. */
export const MEMORY_MB = 512;
export const THREADS = 2;

/** Requests of the projects in the paths of URLs. */
export const SQL = `select split_part(split_part(request, ' ', 2), '/', 4) as project, count(*) as value
  from logs where cast(time as timestamp) >= :start and cast(time as timestamp) < :end group by 1`;

/** As `odometer apply` stores it. */
export const METRIC = {
  name: 'bench',
  engine: 'duckdb',
  eventType: 'api_calls',
  window: 'hour',
  sql: SQL,
  source: {
    type: 'directory',
    path: '*.log.gz',
    format: { type: 'delimited', delimiter: ' ', escape: '\\', columns: ALB_COLUMNS },
  },
};

export interface QueryOptions {
  /** Of the logs. */
  readonly directory: string;
}

/** What our side is asked for: the window's answer, or that of an engine which has seen none of the files before. */
export type EngineCommand = 'run' | 'first';

/** What a side makes of the logs. */
export interface QueryResult {
  readonly seconds: number;
  /** Each project and its requests, by their names: both sides must have found the same. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/** By their names, as text. */
export function sortedRows(
  rows: readonly (readonly unknown[])[],
): readonly (readonly (string | null)[])[] {
  return rows
    .map((row) => row.map((value) => (value === null ? null : String(value))))
    .sort(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1));
}
