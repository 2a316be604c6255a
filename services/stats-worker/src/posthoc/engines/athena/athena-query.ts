import { type AthenaTable, partitionsOfWindow } from '@odometer/domain/posthoc/athena-table';
import { parseReadingQuery } from '@odometer/domain/readings/reading-query';
import type { PosthocQuery } from '../engine.ts';

/** Ours, before the columns of the answer: how many lines could not be parsed, and 1 in each row that is one of the answer. */
export const UNMATCHED_COLUMN = 'odometer_unmatched';
export const ROW_COLUMN = 'odometer_row';

export interface AthenaQuery {
  /** The same for all windows, but for how many months or years their partitions are of. */
  readonly text: string;
  /** For its question marks, in their order: expressions, as Athena takes them. */
  readonly parameters: readonly string[];
}

/**
 * A metric's SQL for a window, as Athena takes it: `logs` are the rows of the window's partitions whose lines could be parsed.
 * How many could not comes with the answer, in one row of its own when that has none.
 *
 * Parameters stand in conditions only, as Athena demands.
 * https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html
 *
 * @throws Error the SQL is none; a declaration that was validated has none such.
 */
export function athenaQuery(
  { metric, startMs, endMs }: PosthocQuery,
  table: AthenaTable,
): AthenaQuery {
  const parsed = parseReadingQuery(metric.sql, 'positional');
  if (typeof parsed === 'string') throw new Error(`the query ${parsed}`);
  const partitions = partitionCondition(table, startMs, endMs);
  const from = [table.catalog, table.database, table.table].map(quoted).join('.');
  const { unmatchedWhen } = table;
  // Line breaks, because a condition or a query may end in a comment. A condition that is null is not true.
  const isUnmatched =
    unmatchedWhen === undefined ? undefined : `coalesce((${unmatchedWhen}\n), false)`;
  const text = `with odometer_lines as (select * from ${from}${partitions.where}),
logs as (select * from odometer_lines${isUnmatched === undefined ? '' : ` where not ${isUnmatched}`}),
odometer_answer as (
${parsed.text}
)
select odometer_lost.lines as ${UNMATCHED_COLUMN}, odometer_rows.*
from (${isUnmatched === undefined ? 'select cast(0 as bigint) as lines' : `select count_if(${isUnmatched}) as lines from odometer_lines`}) odometer_lost
left join (select 1 as ${ROW_COLUMN}, odometer_answer.* from odometer_answer) odometer_rows on true`;
  const ofWindow = { start: timestamp(startMs), end: timestamp(endMs) };
  return {
    text,
    parameters: [...partitions.parameters, ...parsed.places.map((name) => ofWindow[name])],
  };
}

function partitionCondition(
  table: AthenaTable,
  startMs: number,
  endMs: number,
): { readonly where: string; readonly parameters: readonly string[] } {
  const ranges = partitionsOfWindow(table, startMs, endMs);
  if (ranges.length === 0) return { where: '', parameters: [] };
  const columns = (table.partitions ?? []).map(({ column }) => quoted(column));
  const condition = columns
    .map((column, i) => (i < columns.length - 1 ? `${column} = ?` : `${column} between ? and ?`))
    .join(' and ');
  return {
    where: ` where ${ranges.map(() => `(${condition})`).join(' or ')}`,
    parameters: ranges.flatMap(({ equal, first, last }) => [...equal, first, last].map(text)),
  };
}

/** Without a zone: all times are UTC. */
function timestamp(ms: number): string {
  const at = new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
  return `CAST(${text(at)} AS timestamp)`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
