import type pg from 'pg';

export const METER = 'api_calls';
export const RANGE = { from: '2026-10-01T00:00:00Z', to: '2026-11-01T00:00:00Z' };

/** Fills a month with events of 100 projects, and with the hours and days that they were counted into. */
export async function fillEvents(db: pg.Client, events: number): Promise<void> {
  await db.query('select create_month_partitions($1, $1)', [RANGE.from]);
  await db.query("insert into organizations (slug) values ('bench')");
  await db.query(
    "insert into projects (organization_id, slug) select 1, 'p' || g from generate_series(1, 100) g order by g",
  );
  await db.query(
    `insert into events
       (time, key, organization_id, project_id, source, id, type, subject, data, time_given, ingested_at)
     select $1::timestamptz + g * ($2::timestamptz - $1::timestamptz) / $3::integer, gen_random_uuid(), 1, 1 + g % 100,
       'bench', g::text, 'api_calls', 'bench/p' || 1 + g % 100, jsonb_build_object('value', g % 7), true, now()
     from generate_series(0, $3::integer - 1) g`,
    [RANGE.from, RANGE.to, events],
  );
  await db.query(
    `insert into usage_hourly
       (project_id, meter_id, hour, organization_id, sum, count, min, max, last, last_at)
     select project_id, 7, date_trunc('hour', time, 'UTC'), 1, sum(v), count(*), min(v), max(v),
       (array_agg(v order by time desc, v desc))[1], max(time)
     from (select project_id, time, (data ->> 'value')::numeric as v from events) e
     group by project_id, date_trunc('hour', time, 'UTC')`,
  );
  for (const [table, period, unit] of [
    ['usage_daily', 'day', "(hour at time zone 'UTC')::date"],
    ['usage_monthly', 'month', "date_trunc('month', hour, 'UTC')"],
  ]) {
    await db.query(
      `insert into ${table} (project_id, meter_id, ${period}, organization_id, sum, count, min, max, last, last_at)
       select project_id, 7, ${unit}, 1, sum(sum), sum(count), min(min), max(max),
         (array_agg(last order by last_at desc, last desc))[1], max(last_at)
       from usage_hourly group by project_id, ${unit}`,
    );
  }
  await db.query('vacuum analyze');
}
