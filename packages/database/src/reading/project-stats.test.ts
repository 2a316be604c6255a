import { beforeAll, expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { readProjectStats } from './project-stats.ts';
import { PROJECT_STATS } from './stat-columns.ts';

const { pool } = useTestDatabase();

beforeAll(async () => {
  await pool.query(
    `insert into organizations (slug) values ('acme');
     insert into projects (organization_id, slug) select 1, name from unnest(array['web', 'idle', 'gone']) as n (name);
     update projects set archived_at = now() where slug = 'gone';
     insert into devices (project_id, slug, last_seen_at) values (1, 'a', now()), (1, 'b', now() - interval '2 days');
     insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count, max, last, last_at)
     select p.id, m.id, date_trunc('month', now() - back * interval '1 month', 'UTC'), 1, m.id * 100 + back + 0.5, 3, 9,
       case m.kind when 'gauge' then m.id * 7 + back end, now()
     from meters m cross join generate_series(0, 2) back cross join projects p
     where p.slug <> 'idle' and not (m.slug = 'logs' and back = 0);
     insert into usage_adjustments (organization_id, project_id, meter_id, hour, billed_month, sum, count)
     select 1, 1, 7, date_trunc('month', now() - interval '1 month', 'UTC'), date_trunc('month', now(), 'UTC'), 1000000000000000000000, 1`,
  );
});

test.each(['web', 'idle', 'gone'])(
  'what is read from narrow rows is the row of the view: %s',
  async (project) => {
    const read = await readProjectStats(pool, { organization: 'acme', project }, null);
    const { rows } = await pool.query(
      `select ${PROJECT_STATS.map((column) => `s.${column}::text`).join(', ')}, s.updated_at as "updatedAt"
     from project_stats s join projects p on p.id = s.project_id where p.slug = $1`,
      [project],
    );
    const { updatedAt, ...figures } = rows[0];
    expect(read?.figures).toEqual(figures);
    expect(read?.updatedAt).toEqual(updatedAt);
  },
);
