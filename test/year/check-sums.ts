import type { Pool } from '@odometer/database/pool';
import { EVENT_METERS, MESSAGE_METERS } from './meters.ts';
import { type Amount, type SentUsage, scaled } from './sent-usage.ts';

const METERS = [...EVENT_METERS, ...MESSAGE_METERS];
const NAMED = `join projects p on p.id = u.project_id join organizations o on o.id = p.organization_id
  join meters m on m.id = u.meter_id and m.kind = 'counter'`;

/** Every hour of every project and counter: what is in it and in its adjustments is what was sent, once. */
export async function checkHours(db: Pool, sent: SentUsage): Promise<readonly string[]> {
  const { rows } = await db.query<{ key: string; sum: string; count: string }>(
    `select o.slug || '/' || p.slug || ' ' || m.slug || ' ' ||
       to_char(u.hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"') as key, sum(u.sum)::text as sum, sum(u.count)::text as count
     from (
       select project_id, meter_id, hour, sum, count from usage_hourly
       union all
       select project_id, meter_id, hour, sum, count from usage_adjustments
     ) u ${NAMED}
     group by 1`,
  );
  return compareAmounts('hour', sent.byHour, rows);
}

/** Months and the adjustments of them are what was sent; so is the lifetime, wherever it is told. */
export async function checkMonths(db: Pool, sent: SentUsage): Promise<readonly string[]> {
  const { rows } = await db.query<{ key: string; sum: string; count: string }>(
    `select o.slug || '/' || p.slug || ' ' || m.slug || ' ' || to_char(u.month at time zone 'UTC', 'YYYY-MM') as key,
       sum(u.sum)::text as sum, sum(u.count)::text as count
     from (
       select project_id, meter_id, month, sum, count from usage_monthly
       union all
       select project_id, meter_id, date_trunc('month', hour, 'UTC'), sum, count from usage_adjustments
     ) u ${NAMED}
     group by 1`,
  );
  return compareAmounts(
    'month',
    sent.sumBy((project, meter, hour) => `${project} ${meter} ${hour.slice(0, 7)}`),
    rows,
  );
}

/** project_stats, and monthly_stats of the last month, tell the sum of everything. */
export async function checkLifetimes(db: Pool, sent: SentUsage): Promise<readonly string[]> {
  const byMeter = sent.sumBy((project, meter) => `${project} ${meter}`);
  const differences: string[] = [];
  for (const view of ['project_stats', LAST_MONTHLY_STATS]) {
    const { rows } = await db.query<{ key: string; sum: string }>(
      `select o.slug || '/' || p.slug || ' ' || l.meter as key, l.sum::text as sum
       from ${view} s join projects p on p.id = s.project_id join organizations o on o.id = p.organization_id
       cross join lateral (values ${METERS.map((slug) => `('${slug}', s.lifetime_${slug})`).join(', ')}) as l (meter, sum)
       where l.sum <> 0`,
    );
    const expected = [...byMeter].filter(([, { sum }]) => sum !== 0n);
    differences.push(
      ...compareAmounts(
        view.slice(0, 30),
        new Map(expected),
        rows.map((row) => ({ ...row, count: null })),
      ),
    );
  }
  const byOrganization = sent.sumBy((project, meter) => `${project.split('/')[0]} ${meter}`);
  for (const view of [
    'organization_stats',
    LAST_MONTHLY_STATS.replaceAll('project', 'organization').replace(
      'monthly',
      'organization_monthly',
    ),
  ]) {
    const { rows } = await db.query<{ key: string; sum: string }>(
      `select o.slug || ' ' || l.meter as key, l.sum::text as sum
       from ${view} s join organizations o on o.id = s.organization_id
       cross join lateral (values ${METERS.map((slug) => `('${slug}', s.lifetime_${slug})`).join(', ')}) as l (meter, sum)
       where l.sum <> 0`,
    );
    const expected = [...byOrganization].filter(([, { sum }]) => sum !== 0n);
    differences.push(
      ...compareAmounts(
        view.slice(0, 30),
        new Map(expected),
        rows.map((row) => ({ ...row, count: null })),
      ),
    );
  }
  return differences;
}

const LAST_MONTHLY_STATS = `(select distinct on (project_id) * from monthly_stats order by project_id, year desc, month desc)`;

/** The frozen lifetime of a final month: the months until it that were final then, and what was billed in them. */
export async function checkFrozenLifetimes(db: Pool): Promise<readonly string[]> {
  return differing(
    db,
    'lifetime of a final month',
    `select t.project_id, t.meter_id, t.month, t.lifetime as stored, x.lifetime as found
     from usage_monthly t join meters m on m.id = t.meter_id and m.kind = 'counter'
     cross join lateral (
       select t.sum + coalesce((select sum(e.sum) from usage_monthly e
           join periods f using (organization_id, month)
           join periods c on c.organization_id = t.organization_id and c.month = t.month
           where f.final_act < c.closing_act and e.project_id = t.project_id and e.meter_id = t.meter_id and e.month < t.month), 0)
         + coalesce((select sum(a.sum) from usage_adjustments a
           where a.project_id = t.project_id and a.meter_id = t.meter_id and a.billed_month <= t.month), 0) as lifetime
     ) x
     where t.final and t.lifetime is distinct from x.lifetime`,
  );
}

/**
 * Σ hours = Σ days = month, for every project, counter and month; the same in the views, of which one may have a row of
 * zeros that the other has not.
 */
export async function checkThatItAddsUp(db: Pool): Promise<readonly string[]> {
  const sums = await differing(
    db,
    'hours, days, month',
    `select * from (
       select project_id, meter_id, date_trunc('month', hour, 'UTC') as month, sum(sum) as hours, sum(count) as hour_count
       from usage_hourly group by 1, 2, 3
     ) h full join (
       select project_id, meter_id, date_trunc('month', day::timestamp) at time zone 'UTC' as month, sum(sum) as days,
         sum(count) as day_count
       from usage_daily group by 1, 2, 3
     ) d using (project_id, meter_id, month)
     full join (select project_id, meter_id, month, sum as total, count from usage_monthly) m using (project_id, meter_id, month)
     where (coalesce(hours, 0), coalesce(hour_count, 0)) is distinct from (coalesce(days, 0), coalesce(day_count, 0))
       or (coalesce(hours, 0), coalesce(hour_count, 0)) is distinct from (coalesce(total, 0), coalesce(count, 0))`,
  );
  const columns = METERS.map((slug) => `sum(${slug}) as ${slug}`).join(', ');
  const views = await differing(
    db,
    'daily_stats, monthly_stats',
    `select * from (select project_id, year, month, ${columns} from daily_stats group by 1, 2, 3) d
     full join (select project_id, year, month, ${METERS.join(', ')} from monthly_stats) m using (project_id, year, month)
     where ${METERS.map((slug) => `coalesce(d.${slug}, 0) <> coalesce(m.${slug}, 0)`).join(' or ')}`,
  );
  return [...sums, ...views];
}

/** Rows of a query that should find none. */
export async function differing(db: Pool, what: string, sql: string): Promise<readonly string[]> {
  const { rows } = await db.query(sql);
  return rows.slice(0, 5).map((row) => `${what} (${rows.length}): ${JSON.stringify(row)}`);
}

function compareAmounts(
  what: string,
  sent: ReadonlyMap<string, Amount>,
  rows: readonly { readonly key: string; readonly sum: string; readonly count: string | null }[],
): readonly string[] {
  const found = new Map(rows.map((row) => [row.key, row]));
  const differences: string[] = [];
  for (const [key, { sum, count }] of sent) {
    const row = found.get(key);
    found.delete(key);
    const isSame =
      row !== undefined &&
      scaled(row.sum) === sum &&
      (row.count === null || row.count === String(count));
    if (!isSame)
      differences.push(`${key}: sent ${count} of ${sum}e-12, found ${JSON.stringify(row)}`);
  }
  for (const row of found.values()) differences.push(`never sent: ${JSON.stringify(row)}`);
  return differences.slice(0, 5).map((text) => `${what} (${differences.length}): ${text}`);
}
