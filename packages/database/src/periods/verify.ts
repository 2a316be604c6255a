import type { Manifest } from '@odometer/domain/manifest';
import { monthEnd, toTimestamp } from '@odometer/domain/period';
import type { Queryable } from '../pool.ts';
import { type RowFigures, readRowFigures } from './manifest.ts';
import { verifiableMeters, verifyEvents } from './verify-events.ts';
import { type ManifestHeader, readManifestHeader, vanishedPeriods } from './verify-organization.ts';
import { type Difference, verifyProjects } from './verify-projects.ts';

/** Projects a statement compares: some ten thousand rows of hours each. */
const PROJECTS_A_CHUNK = 1_000;

export interface Verification {
  readonly organizations: number;
  readonly projects: number;
  readonly differences: readonly Difference[];
}

/** A final month of an organization. */
export interface FinalPeriod {
  readonly id: string;
  readonly organization: string;
  readonly manifest: Manifest;
}

/** The organizations whose month is final; one of them when `organization`, a slug, is given. */
async function finalPeriods(
  db: Queryable,
  monthMs: number,
  organization?: string,
): Promise<readonly FinalPeriod[]> {
  const { rows } = await db.query<FinalPeriod>(
    `select f.organization_id as id, o.slug as organization, f.manifest
     from periods f join organizations o on o.id = f.organization_id
     where f.month = $1 and f.state = 'final' and ($2::text is null or o.slug = $2)
     order by 1`,
    [toTimestamp(monthMs), organization ?? null],
  );
  return rows;
}

/** Months that are final for some organization, oldest first. */
export async function finalMonths(db: Queryable): Promise<readonly number[]> {
  const { rows } = await db.query<{ month: Date }>(
    `select month from periods where state = 'final' union select month from project_months where final order by 1`,
  );
  return rows.map(({ month }) => month.getTime());
}

/**
 * Recomputes a final month from its hours, days, adjustments, plans and, where they are kept, events, and compares it with what the close has stored and
 * with its manifest. Reads only.
 *
 * @param onProgress is told how many projects are done.
 */
export async function verifyMonth(
  db: Queryable,
  monthMs: number,
  options: {
    readonly organization?: string | undefined;
    readonly onProgress?: (projects: number) => void;
  } = {},
): Promise<Verification> {
  const periods = await finalPeriods(db, monthMs, options.organization);
  const meters = await verifiableMeters(db, monthMs);
  const differences: Difference[] = [];
  let projects = 0;
  for (const period of periods) {
    for (let after = '0'; ; ) {
      const ids = await someProjects(db, monthMs, period.id, after);
      const last = ids.at(-1);
      if (last === undefined) break;
      differences.push(...(await verifyProjects(db, monthMs, ids)));
      differences.push(...(await verifyEvents(db, monthMs, ids, meters)));
      projects += ids.length;
      options.onProgress?.(projects);
      after = last;
    }
    const figures = await readRowFigures(db, monthMs, [period.id]);
    differences.push(...compareManifest(period, figures.get(period.id)));
    const header = await readManifestHeader(db, monthMs, period.id);
    differences.push(...compareHeader(period, header));
  }
  for (const organization of await vanishedPeriods(db, monthMs, options.organization)) {
    differences.push({
      organization,
      project: null,
      meter: null,
      compared: 'manifest',
      stored: 'frozen rows',
      found: 'no final month',
    });
  }
  return { organizations: periods.length, projects, differences };
}

/** All projects of an organization that have anything of the month, also what a close would not have left there. */
async function someProjects(
  db: Queryable,
  monthMs: number,
  organizationId: string,
  after: string,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select p.id from projects p
     where p.organization_id = $1 and p.id > $2 and (
       exists (select from project_months x where x.project_id = p.id and x.month = $3)
       or exists (select from usage_monthly u where u.project_id = p.id and u.month = $3)
       or exists (select from usage_daily d where d.project_id = p.id and d.day >= ($3::timestamptz at time zone 'UTC')::date
         and d.day < ($4::timestamptz at time zone 'UTC')::date)
       or exists (select from usage_hourly h where h.project_id = p.id and h.hour >= $3 and h.hour < $4)
     )
     order by p.id limit $5`,
    [organizationId, after, toTimestamp(monthMs), toTimestamp(monthEnd(monthMs)), PROJECTS_A_CHUNK],
  );
  return rows.map(({ id }) => id);
}

/** Compares what a manifest says with what its rows make now, figure by figure. */
function compareManifest(
  { organization, manifest }: Pick<FinalPeriod, 'organization' | 'manifest'>,
  found: RowFigures | undefined,
): readonly Difference[] {
  const differences: Difference[] = [];
  const compare = (meter: string | null, name: string, stored: unknown, now: unknown): void => {
    const [before, after] = [canonical(stored), canonical(now)];
    if (before === after) return;
    const labelled = (text: string | null) => (text === null ? null : `${name}: ${text}`);
    differences.push({
      organization,
      project: null,
      meter,
      compared: 'manifest',
      stored: labelled(before),
      found: labelled(after),
    });
  };
  const each = (part: 'meters' | 'adjustments') => {
    const [stored, now] = [manifest[part], found?.[part] ?? {}];
    for (const meter of new Set([...Object.keys(stored), ...Object.keys(now)])) {
      compare(meter, part, stored[meter], now[meter]);
    }
  };
  each('meters');
  each('adjustments');
  compare(null, 'projects', manifest.projects, found?.projects);
  compare(null, 'charges', manifest.charges, found?.charges);
  return differences;
}

/** Compares what a manifest says besides with the period, the plan and what that makes of the month now. */
function compareHeader(
  { organization, manifest }: Pick<FinalPeriod, 'organization' | 'manifest'>,
  found: ManifestHeader | undefined,
): readonly Difference[] {
  const parts = [
    'organization',
    'month',
    'cutoff',
    'finalAt',
    'forced',
    'plan',
    'charges',
  ] as const;
  return parts.flatMap((part) => {
    const [stored, now] = [canonical(manifest[part]), canonical(found?.[part])];
    if (stored === now) return [];
    return [
      {
        organization,
        project: null,
        meter: null,
        compared:
          part === 'plan' || part === 'charges' ? ('charges' as const) : ('manifest' as const),
        stored: `${part}: ${stored}`,
        found: `${part}: ${now}`,
      },
    ];
  });
}

/** JSON with sorted keys: Postgres gives back the keys of jsonb in an order of its own. */
function canonical(value: unknown): string | null {
  if (value === undefined) return null;
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
