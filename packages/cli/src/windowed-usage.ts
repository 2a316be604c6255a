import type { Pool } from '@odometer/database/pool';
import type { DeclaredProject } from '@odometer/database/project-declarations';
import type { Grouping, MeterQuery, MeterQueryRow } from '@odometer/database/query/meter-query';
import {
  findQueriedMeter,
  listUsedMeters,
  type QueriedMeter,
} from '@odometer/database/query/queried-meter';
import { queryMeter } from '@odometer/database/query/query-meter';
import { OdometerError } from '@odometer/domain/errors';
import { jsonFigure } from '@odometer/domain/json-figure';
import type { ZoneClock } from '@odometer/domain/windows/time-zone';
import type { WindowSize } from '@odometer/domain/windows/windows';
import { readableFigure, readableTime, table } from './output.ts';

/** What is asked of a project's usage over time. */
export interface UsageQuestion {
  readonly from?: number;
  readonly to?: number;
  readonly window?: WindowSize;
  readonly zone?: ZoneClock;
  readonly groupBy?: readonly string[];
  readonly meter?: readonly string[];
}

export interface MeterUsage {
  readonly slug: string;
  readonly rows: readonly MeterQueryRow[];
}

const utc: ZoneClock = (atMs) => atMs;

/**
 * The usage of a project by windows: of the meters that are named, or of all that have any.
 *
 * @throws OdometerError `meter_not_found`, `query_invalid`, `query_unanswerable`
 */
export async function readWindowedUsage(
  pool: Pool,
  project: DeclaredProject,
  question: UsageQuestion,
): Promise<readonly MeterUsage[]> {
  const { meter: named } = question;
  const slugs = named ?? (await listUsedMeters(pool, project.id));
  const usage: MeterUsage[] = [];
  for (const slug of slugs) {
    const meter = await findQueriedMeter(pool, slug);
    if (meter === undefined) throw new OdometerError('meter_not_found', { meter: slug });
    const rows = await queryMeter(pool, queryOf(project, meter, question));
    if (named !== undefined || rows.length > 0) usage.push({ slug: meter.slug, rows });
  }
  return usage;
}

function queryOf(
  { organization, project }: DeclaredProject,
  meter: QueriedMeter,
  { from, to, window, zone, groupBy = [] }: UsageQuestion,
): MeterQuery {
  return {
    meter,
    organization,
    fromMs: from ?? null,
    toMs: to ?? null,
    window: window === undefined ? null : { size: window, clock: zone ?? utc },
    subjects: [{ label: `${organization}/${project}`, organization, project }],
    organizations: null,
    groupBy: groupBy.map((name): Grouping => {
      if (Object.hasOwn(meter.groupBy, name)) return { by: 'dimension', name };
      throw new OdometerError('query_invalid', {
        parameter: '--group-by',
        problem: `meter ${meter.slug} has no dimension ${name}; it has ${Object.keys(meter.groupBy).sort().join(', ') || 'none'}`,
      });
    }),
    filters: [],
  };
}

export function usageJson(usage: readonly MeterUsage[]): unknown {
  return Object.fromEntries(
    usage.map(({ slug, rows }) => [
      slug,
      rows.map(({ value, startMs, endMs, groupBy }) => ({
        value: jsonFigure(value),
        windowStart: new Date(startMs).toISOString(),
        windowEnd: new Date(endMs).toISOString(),
        groupBy,
      })),
    ]),
  );
}

export function usageTable(usage: readonly MeterUsage[], { groupBy = [] }: UsageQuestion): string {
  return table(
    ['meter', 'from', 'to', ...groupBy, 'value'],
    usage.flatMap(({ slug, rows }) =>
      rows.map((row) => [
        slug,
        readableTime(new Date(row.startMs)),
        readableTime(new Date(row.endMs)),
        // The empty text is a value like any other.
        ...groupBy.map((name) => row.groupBy[name] ?? '(none)'),
        readableFigure(row.value),
      ]),
    ),
    [3 + groupBy.length],
  );
}
