import type { Aggregation } from '@odometer/domain/meters';
import { toTimestamp } from '@odometer/domain/period';
import type { Windows } from '@odometer/domain/windows/windows';
import type { Piece } from './plan-pieces.ts';
import type { SqlParameters } from './sql-parameters.ts';
import { type ResolvedQuery, usageRows } from './usage-rows.ts';

/** The greater of two readings at one instant is the last, as where hours are written. */
const LAST =
  '(max(array[extract(epoch from u.last_at), u.last]) filter (where u.last is not null))[2]';

/** Null where there was nothing to measure: such a window is left out. */
const AGGREGATES: Readonly<Record<Aggregation, string>> = {
  sum: 'sum(u.sum)',
  count: 'nullif(sum(u.count), 0)',
  // How many digits a quotient gets depends on those of its parts, so sums of equal value have to be equal in digits.
  avg: 'trim_scale(sum(u.sum)) / nullif(sum(u.count), 0)',
  min: 'min(u.min)',
  max: 'max(u.max)',
  latest: LAST,
  unique_count: 'nullif(count(distinct u.item collate "C"), 0)',
};

/** A row of the answer as the database tells it. */
export interface AnswerRow {
  /** Of even windows when it begins; of others its number, from 1; null without windows. */
  readonly window: Date | number | null;
  readonly value: string;
  /** Without windows: when the first and the last usage was, the first as exactly as its piece tells. */
  readonly first: Date | null;
  readonly last: Date | null;
  readonly [group: `g${number}`]: string | null;
}

/**
 * The whole question as one statement, so that it sees one state of the database.
 *
 * @param maxRows one row more than that tells that there are more.
 */
export function answerStatement(
  query: ResolvedQuery,
  pieces: readonly Piece[],
  windows: Windows | null,
  maxRows: number,
  parameters: SqlParameters,
): string {
  const groups = query.groupBy.map((_, i) => `g${i}`);
  const keys = ['1', ...groups.map((_, i) => String(i + 2))];
  const rows = pieces.map((piece) => usageRows(query, piece, parameters)).join('\nunion all\n');
  const columns = [`${windowOf(windows, parameters)} as window`, ...groups.map((g) => `u.${g}`)];
  const bounds =
    windows === null
      ? 'min(u.at) as first, max(u.last_at) as last'
      : 'null::timestamptz as first, null::timestamptz as last';
  const value = isReadAtTheEnd(query)
    ? // A level is not added up over time, but over those who have it: of each the last reading.
      `select ${['r.window', ...groups.map((g) => `r.${g}`)].join(', ')}, trim_scale(sum(r.last_value))::text as value,
         min(r.first) as first, max(r.last) as last
       from (select ${columns.join(', ')}, u.project_id, ${LAST} as last_value, ${bounds} from (${rows}) u
         group by ${[...keys, 'u.project_id'].join(', ')}) r`
    : `select ${columns.join(', ')}, trim_scale(${AGGREGATES[query.meter.aggregation]}::numeric)::text as value, ${bounds}
       from (${rows}) u`;
  return `select * from (${value}
group by ${keys.join(', ')}) a
where a.value is not null
order by ${['a.window', ...groups.map((g) => `a.${g} collate "C"`)].join(', ')}
limit ${maxRows + 1}`;
}

function isReadAtTheEnd({ meter }: ResolvedQuery): boolean {
  return meter.kind === 'gauge' && meter.owner !== 'events';
}

function windowOf(windows: Windows | null, parameters: SqlParameters): string {
  if (windows === null) return 'null::integer';
  if (windows.kind === 'even') {
    const length = parameters.add(`${windows.lengthMs} milliseconds`, 'interval');
    return `date_bin(${length}, u.at, 'epoch'::timestamptz)`;
  }
  const bounds = parameters.add(windows.boundsMs.map(toTimestamp), 'timestamptz[]');
  return `width_bucket(u.at, ${bounds})`;
}
