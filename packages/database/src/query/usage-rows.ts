import { toTimestamp } from '@odometer/domain/period';
import { eventQuantity, valuePath } from './event-quantity.ts';
import { eventsOfMeter } from './events-of-meter.ts';
import type { Grouping, MeterQuery } from './meter-query.ts';
import type { Piece } from './plan-pieces.ts';
import type { SqlParameters } from './sql-parameters.ts';
import { filterCondition } from './string-filter.ts';

/** A question with its names looked up. */
export interface ResolvedQuery extends Omit<MeterQuery, 'subjects' | 'organization'> {
  /** The organization to which a subject without one belongs. */
  readonly ownOrganization: string;
  /** Ids; null: all. */
  readonly organizationIds: readonly string[] | null;
  readonly subjects:
    | readonly {
        readonly label: string;
        readonly projectId: string;
        readonly device: string | null;
      }[]
    | null;
}

const NO_ITEM = 'null::text';

/**
 * A piece's usage as rows, an event or a sum each: `at` (its time, or when its hour or day begins), `project_id`, a column
 * for each grouping (`g0`, `g1` …), `sum`, `count`, `min`, `max`, `last`, `last_at`, and `item`, what is counted once.
 */
export function usageRows(query: ResolvedQuery, piece: Piece, parameters: SqlParameters): string {
  const from = parameters.add(toTimestamp(piece.fromMs), 'timestamptz');
  const to = parameters.add(toTimestamp(piece.toMs), 'timestamptz');
  if (piece.source === 'events') return eventRows(query, from, to, parameters);
  const rows =
    piece.source === 'hours'
      ? [summedRows(query, HOURS, from, to, parameters)]
      : [
          summedRows(query, DAYS, from, to, parameters),
          summedRows(query, CHANGED_DAYS, from, to, parameters),
        ];
  return [...rows, summedRows(query, ADJUSTMENTS, from, to, parameters)].join('\nunion all\n');
}

/**
 * Events one by one, measured as they are when they are counted. One that is nothing to the meter has nulls.
 *
 * @param from an expression; so is `to`.
 */
export function eventRows(
  query: ResolvedQuery,
  from: string,
  to: string,
  parameters: SqlParameters,
): string {
  const { meter, filters } = query;
  const quantity = eventQuantity(meter, parameters);
  const text = (path: string): string => `${valueAt(path, parameters)} #>> '{}'`;
  const item = meter.aggregation === 'unique_count' ? text(meter.valuePath ?? '$') : NO_ITEM;
  const conditions = [
    eventsOfMeter(meter, parameters),
    // Whose owner is not known yet belongs to nobody.
    'u.project_id is not null',
    `u.time >= ${from}`,
    `u.time < ${to}`,
    // Only whoever asks for one row wants to know when its first event was.
    ...(query.window === null ? [`(${item === NO_ITEM ? quantity : item}) is not null`] : []),
    ...filters.map(([dimension, filter]) =>
      filterCondition(text(meter.groupBy[dimension] ?? '$'), filter, parameters),
    ),
  ];
  const group = (grouping: Grouping): string => {
    if (grouping.by === 'dimension') return text(meter.groupBy[grouping.name] ?? '$');
    if (grouping.by === 'organization') return 'o.slug';
    if (query.subjects !== null) return 's.label';
    const own = parameters.add(query.ownOrganization, 'text');
    return `case when position('/' in u.subject) > 0 or o.slug = ${own} then u.subject else o.slug || '/' || u.subject end`;
  };
  return `select u.time as at, u.project_id${groupColumns(query, group)},
  ${quantity} as sum, ((${quantity}) is not null)::integer::bigint as count, ${quantity} as min, ${quantity} as max,
  ${quantity} as last, u.time as last_at, ${item} as item
from events u${joins(query, true, parameters)}
where ${[...conditions, ...ownerConditions(query, parameters)].join(' and ')}`;
}

function valueAt(path: string, parameters: SqlParameters): string {
  return `jsonb_path_query_first(u.data, ${valuePath(path, parameters)}, '{}', true)`;
}

/** Where sums are kept: a table `u`, when a row's time begins, and which rows are in a range. */
interface SummedSource {
  /** @param projects makes a condition on `project_id`; a parameter that no statement has is an error. */
  readonly from: (from: string, to: string, meter: string, projects: () => string) => string;
  readonly at: string;
  readonly within: (from: string, to: string) => string;
}

const HOURS: SummedSource = {
  from: () => 'usage_hourly u',
  at: 'u.hour',
  within: (from, to) => `u.hour >= ${from} and u.hour < ${to}`,
};

const utcDate = (at: string): string => `(${at} at time zone 'UTC')::date`;

/** Days that are as their hours are; a day to which a gauge was carried has no reading. */
const DAYS: SummedSource = {
  from: () => 'usage_daily u',
  at: "u.day::timestamp at time zone 'UTC'",
  within: (from, to) =>
    `u.day >= ${utcDate(from)} and u.day < ${utcDate(to)} and u.count > 0
    and not exists (select from changed_days c where c.project_id = u.project_id and c.day = u.day)`,
};

/**
 * The hours of the other days. Looked up day by day: `offset 0` keeps Postgres from reading every hour of the range for the
 * sake of today's.
 */
const CHANGED_DAYS: SummedSource = {
  from: (
    from,
    to,
    meter,
    projects,
  ) => `(select distinct project_id, day::timestamp at time zone 'UTC' as day from changed_days
  where day >= ${utcDate(from)} and day < ${utcDate(to)} and ${projects()}) c
cross join lateral (select * from usage_hourly h
  where h.project_id = c.project_id and h.meter_id = ${meter} and h.hour >= c.day and h.hour < c.day + interval '24 hours'
    and h.hour >= ${from} and h.hour < ${to} offset 0) u`,
  at: 'u.hour',
  within: () => 'true',
};

/** What came after the month was closed. */
const ADJUSTMENTS: SummedSource = { ...HOURS, from: () => 'usage_adjustments u' };

function summedRows(
  query: ResolvedQuery,
  source: SummedSource,
  from: string,
  to: string,
  parameters: SqlParameters,
): string {
  const group = (grouping: Grouping): string =>
    grouping.by === 'organization' ? 'o.slug' : 's.label';
  const meter = parameters.add(query.meter.id, 'smallint');
  const conditions = [
    `u.meter_id = ${meter}`,
    source.within(from, to),
    ...ownerConditions(query, parameters),
  ];
  return `select ${source.at} as at, u.project_id${groupColumns(query, group)},
  u.sum, u.count, u.min, u.max, u.last, coalesce(u.last_at, ${source.at}) as last_at, ${NO_ITEM} as item
from ${source.from(from, to, meter, () => projectCondition(query, parameters))}${joins(query, false, parameters)}
where ${conditions.join(' and ')}`;
}

function groupColumns(query: ResolvedQuery, group: (grouping: Grouping) => string): string {
  return query.groupBy.map((grouping, i) => `, ${group(grouping)} as g${i}`).join('');
}

/** Whose changed days have to be looked up; those of all would be as many as there are projects. */
function projectCondition(
  { subjects, organizationIds }: ResolvedQuery,
  parameters: SqlParameters,
): string {
  if (subjects !== null) {
    const ids = subjects.map(({ projectId }) => projectId);
    return `project_id = any (${parameters.add(ids, 'bigint[]')})`;
  }
  return organizationIds === null
    ? 'true'
    : `project_id in (select id from projects where organization_id = any (${parameters.add(organizationIds, 'bigint[]')}))`;
}

function ownerConditions(query: ResolvedQuery, parameters: SqlParameters): readonly string[] {
  const { organizationIds } = query;
  return organizationIds === null
    ? []
    : [`u.organization_id = any (${parameters.add(organizationIds, 'bigint[]')})`];
}

function joins(query: ResolvedQuery, isOfEvents: boolean, parameters: SqlParameters): string {
  const { subjects, groupBy } = query;
  let text = '';
  if (subjects !== null) {
    text += `
join unnest(${parameters.add(
      subjects.map(({ label }) => label),
      'text[]',
    )}, ${parameters.add(
      subjects.map(({ projectId }) => projectId),
      'bigint[]',
    )}, ${parameters.add(
      subjects.map(({ device }) => device),
      'text[]',
    )}) as s (label, project_id, device)
  on s.project_id = u.project_id${isOfEvents ? ' and (s.device is null or s.device = u.device)' : ''}`;
  }
  if (groupBy.some(({ by }) => by === 'organization' || (by === 'subject' && subjects === null))) {
    text += '\njoin organizations o on o.id = u.organization_id';
  }
  return text;
}
