import type pg from 'pg';

/** The month of the benchmark: long over, so that it is due. */
export const MONTH = '2026-03-01T00:00:00Z';
const DAYS = 31;
/** Of events, so that a row has all its columns: 7 to 14 and two that operators declare. */
const METERS = 10;
const ORGANIZATIONS = 10;

/**
 * Fills a month of usage: each project has one hour of usage a day and meter, its days are refreshed and its live month is
 * there, as they are when a month comes to its close.
 */
export async function fillMonth(db: pg.Client, projects: number): Promise<void> {
  await db.query('select create_month_partitions($1, $1)', [MONTH]);
  await db.query(
    `insert into organizations (slug, created_at) select 'org-' || g, $1::timestamptz from generate_series(1, $2) g`,
    [MONTH, ORGANIZATIONS],
  );
  await db.query(
    `insert into projects (organization_id, slug, created_at)
     select 1 + g % $3, 'project-' || g, $1::timestamptz from generate_series(1, $2) g`,
    [MONTH, projects, ORGANIZATIONS],
  );
  await db.query(
    `insert into usage_hourly
       (project_id, meter_id, hour, organization_id, sum, count, min, max, last, last_at)
     select p.id, m, $1::timestamptz + d * interval '1 day' + interval '5 hours', p.organization_id,
       (p.id * m + d) % 1000 + 0.5, 7, 0.5, 900, 1, $1::timestamptz + d * interval '1 day' + interval '5 hours 10 minutes'
     from projects p cross join generate_series(5, 4 + $2::integer) m cross join generate_series(0, $3::integer - 1) d`,
    [MONTH, METERS, DAYS],
  );
  await db.query(
    `insert into usage_daily
       (project_id, meter_id, day, organization_id, sum, count, min, max, last, last_at)
     select project_id, meter_id, (hour at time zone 'UTC')::date, organization_id, sum, count, min, max, last, last_at
     from usage_hourly`,
  );
  await db.query(
    `insert into usage_monthly
       (project_id, meter_id, month, organization_id, sum, count, min, max, last, last_at)
     select project_id, meter_id, $1, organization_id, sum(sum), sum(count), min(min), max(max), max(last), max(last_at)
     from usage_hourly group by project_id, meter_id, organization_id`,
    [MONTH],
  );
  await db.query(
    `insert into snapshots (day, taken_at)
     select g, now() from generate_series($1::timestamptz, now(), interval '1 day') g`,
    [MONTH],
  );
  await db.query(
    `insert into periods (organization_id, month, state, drafted_at) select id, $1, 'draft', now() from organizations`,
    [MONTH],
  );
  await db.query('vacuum analyze');
}
