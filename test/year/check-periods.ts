import type { Pool } from '@odometer/database/pool';
import { differing } from './check-sums.ts';
import { scaled } from './sent-usage.ts';

const MONTH = `to_char(f.month at time zone 'UTC', 'YYYY-MM')`;

/** Every month that has ended, of everybody who was there or has usage in it, is final, and no later one is. */
export async function checkThatAllIsFinal(db: Pool, endMs: number): Promise<readonly string[]> {
  const current = `date_trunc('month', to_timestamp(${endMs} / 1000.0), 'UTC')`;
  return [
    ...(await differing(
      db,
      'month that is not final',
      `select o.slug, g as month, f.state, f.held_up_by
       from organizations o
       cross join lateral (
         select g at time zone 'UTC' as g from generate_series(
           date_trunc('month', o.created_at at time zone 'UTC'), ${current} at time zone 'UTC' - interval '1 month', '1 month') g
         union
         select month from usage_monthly u where u.organization_id = o.id and month < ${current}
       ) m
       left join periods f on f.organization_id = o.id and f.month = g
       where f.state is distinct from 'final'`,
    )),
    ...(await differing(
      db,
      'month that should be open',
      `select * from periods where month >= ${current}`,
    )),
    ...(await differing(
      db,
      'project month that is not final',
      `select p.id, f.month, x.final
       from periods f join projects p on p.organization_id = f.organization_id
       left join project_months x on x.project_id = p.id and x.month = f.month
       where x.final is distinct from true
         and ((p.created_at < f.month + interval '1 month' and (p.archived_at is null or p.archived_at >= f.month))
           or exists (select from usage_monthly u where u.project_id = p.id and u.month = f.month))`,
    )),
    ...(await differing(
      db,
      'row that is not final',
      'select * from usage_monthly t join periods f using (organization_id, month) where not t.final',
    )),
  ];
}

/** No day without a snapshot, and no project without a row for each day on which it was there. */
export async function checkSnapshots(
  db: Pool,
  startMs: number,
  endMs: number,
): Promise<readonly string[]> {
  const [start, end] = [startMs, endMs].map(
    (ms) => `'${new Date(ms).toISOString().slice(0, 10)}'::date`,
  );
  return [
    ...(await differing(
      db,
      'day without a snapshot',
      `select g::date from generate_series(${start}::timestamp, ${end}::timestamp - interval '1 day', '1 day') g
       where not exists (select from snapshots s where s.day = g::date and s.taken_at is not null)`,
    )),
    ...(await differing(
      db,
      'missing_snapshots',
      `select * from missing_snapshots where date < ${end}`,
    )),
    ...(await differing(
      db,
      'project without a row of a day',
      `select p.id, g::date
       from projects p
       cross join lateral generate_series((p.created_at at time zone 'UTC')::date::timestamp,
         least((p.archived_at at time zone 'UTC')::date, ${end} - 1)::timestamp, '1 day') g
       left join daily_stats s on s.project_id = p.id and s.date = g::date
       where s.project_id is null`,
    )),
  ];
}

interface ManifestRow {
  readonly period: string;
  readonly organization: string;
  readonly slug: string;
  readonly month: string;
  readonly manifest: {
    readonly organization: string;
    readonly month: string;
    readonly meters: Readonly<
      Record<string, { rows: string; sum: string; count: string; hours: string }>
    >;
    readonly adjustments: Readonly<Record<string, { rows: string; sum: string }>>;
    readonly projects: { rows: string; overageCharge: string };
  };
}

/** The manifests' figures, added up here from single rows. */
export async function checkManifests(db: Pool): Promise<readonly string[]> {
  const { rows } = await db.query<ManifestRow>(
    `select f.organization_id || ' ' || ${MONTH} as period, f.organization_id::text as organization, o.slug, ${MONTH} as month, f.manifest
     from periods f join organizations o on o.id = f.organization_id where f.state = 'final'`,
  );
  const sums = new Map<string, { rows: number; sum: bigint; count: number }>();
  const add = (key: string, sum: string, count: string): void => {
    const found = sums.get(key) ?? { rows: 0, sum: 0n, count: 0 };
    sums.set(key, {
      rows: found.rows + 1,
      sum: found.sum + scaled(sum),
      count: found.count + Number(count),
    });
  };
  type Part = { organization: string; month: string; meter: string; sum: string; count: string };
  const read = async (part: string, table: string, month: string): Promise<void> => {
    const found = await db.query<Part>(
      `select f.organization_id::text as organization, to_char(${month} at time zone 'UTC', 'YYYY-MM') as month, m.slug as meter,
         f.sum::text as sum, f.count::text as count
       from ${table} f join meters m on m.id = f.meter_id`,
    );
    for (const row of found.rows)
      add(`${part} ${row.organization} ${row.month} ${row.meter}`, row.sum, row.count);
  };
  await read('meters', 'usage_monthly', 'f.month');
  await read('hours', 'usage_hourly', 'f.hour');
  await read('adjustments', 'usage_adjustments', 'f.billed_month');
  const differences: string[] = [];
  const final = new Set(rows.map(({ period }) => period));
  const stored = new Map<string, string>();
  const found = new Map<string, string>();
  for (const { period, organization, slug, month, manifest } of rows) {
    if (manifest.organization !== slug || manifest.month !== month)
      differences.push(
        `the manifest of ${period} is of ${manifest.organization} ${manifest.month}`,
      );
    for (const [meter, figures] of Object.entries(manifest.meters)) {
      const key = `${organization} ${month} ${meter}`;
      stored.set(`meters ${key}`, `${figures.rows} ${scaled(figures.sum)} ${figures.count}`);
      if (figures.hours !== '0') stored.set(`hours ${key}`, figures.hours);
    }
    for (const [meter, figures] of Object.entries(manifest.adjustments)) {
      stored.set(
        `adjustments ${organization} ${month} ${meter}`,
        `${figures.rows} ${scaled(figures.sum)}`,
      );
    }
  }
  for (const [key, { rows: n, sum, count }] of sums) {
    const [part, organization = '', month = ''] = key.split(' ');
    if (!final.has(`${organization} ${month}`)) continue;
    found.set(
      key,
      part === 'hours' ? `${n}` : part === 'meters' ? `${n} ${sum} ${count}` : `${n} ${sum}`,
    );
  }
  for (const key of new Set([...stored.keys(), ...found.keys()])) {
    if (stored.get(key) !== found.get(key))
      differences.push(`${key}: manifest ${stored.get(key)}, rows ${found.get(key)}`);
  }
  return differences;
}

/** Organizations' views are the sums of their projects'. */
export async function checkOrganizationViews(db: Pool): Promise<readonly string[]> {
  const differences: string[] = [];
  const views = [
    ['project_stats', 'organization_stats', 'organization_id, month'],
    ['daily_stats', 'organization_daily_stats', 'organization_id, date'],
    ['monthly_stats', 'organization_monthly_stats', 'organization_id, year, month'],
  ] as const;
  for (const [ofProjects, ofOrganizations, key] of views) {
    const { rows } = await db.query<{ column: string }>(
      `select column_name as column from information_schema.columns c
       where table_name = $1 and data_type in ('numeric', 'bigint') and not column_name = any($2) and column_name not like $4
         and exists (select from information_schema.columns d
           where d.table_name = $3 and d.column_name = c.column_name and d.data_type in ('numeric', 'bigint'))`,
      // The lifetime of a project that is archived ends in its own last month.
      [ofOrganizations, key.split(', '), ofProjects, key.includes('year') ? 'lifetime%' : ''],
    );
    const columns = rows.map(({ column }) => column);
    if (columns.length < 10)
      differences.push(`${ofOrganizations} has columns ${columns.join(', ')}`);
    // A month or a day of an organization may have no project of it.
    const sum = columns.map((column) => `sum(${column}) as ${column}`).join(', ');
    const both = columns
      .map((column) => `coalesce(p.${column}, 0) <> coalesce(o.${column}, 0)`)
      .join(' or ');
    differences.push(
      ...(await differing(
        db,
        ofOrganizations,
        `select * from (select ${key}, ${sum} from ${ofProjects} group by ${key}) p
         full join (select ${key}, ${columns.join(', ')} from ${ofOrganizations}) o using (${key})
         where ${both}`,
      )),
    );
  }
  return differences;
}

/** What the simulated plan makes of a project's month: 0.37 for each call beyond 100, to whole minor units. */
export async function checkCharges(db: Pool): Promise<readonly string[]> {
  const { rows } = await db.query<{ key: string; charge: string; used: string }>(
    `select x.project_id || ' ' || x.month as key, x.overage_charge::text as charge,
       (coalesce((select sum(u.sum) from usage_monthly u where u.project_id = x.project_id and u.month = x.month and u.meter_id = 7), 0)
       + coalesce((select sum(a.sum) from usage_adjustments a
           where a.project_id = x.project_id and a.billed_month = x.month and a.meter_id = 7), 0))::text as used
     from project_months x join organizations o on o.id = x.organization_id
     where o.slug = 'acme' and x.month >= '2025-01-01Z'`,
  );
  if (rows.length === 0) return ['nobody was charged'];
  return rows.flatMap(({ key, charge, used }) => {
    const overage = scaled(used) - scaled('100');
    const cents = overage > 0n ? (overage * 37n * 2n + scaled('100')) / (2n * scaled('100')) : 0n;
    return String(cents) === charge
      ? []
      : [`charge ${key}: used ${used}, ${charge} is not ${cents}`];
  });
}
