import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decimal, limitAcme, NOW_MS, openLimits } from '../../test/limits-fixture.ts';
import { inTransaction } from '../pool.ts';
import { checkLimit } from './check-limit.ts';
import { setUsers } from './organization-plan.ts';
import { readLimits } from './read-limits.ts';

const PROJECTS = 100_000;
const MEASURED = ['api_calls', 'mqtt_inbound', 'mqtt_outbound', 'storage_bytes', 'ecr_image_count'];
const EVERYTHING = ['projects', 'users', 'devices', ...MEASURED];

let limits: Awaited<ReturnType<typeof openLimits>>;
beforeAll(async () => {
  // One connection, so that what is set for its session holds for every query.
  limits = await openLimits(1);
  const { pool } = limits;
  await limitAcme(
    pool,
    EVERYTHING.flatMap((meter) => [
      { meter, scope: 'organization', included: 1_000_000, hard: true },
      ...(['projects', 'users'].includes(meter)
        ? []
        : [{ meter, scope: 'project', included: 1_000_000, hard: true }]),
    ]),
  );
  await inTransaction(pool, (transaction) => setUsers(transaction, 'acme', 3, NOW_MS));
  await pool.query(`
    insert into organizations (slug) select 'o' || n from generate_series(1, 1000) n;
    insert into organization_plans select o.id, a.since, a.plan from organizations o, organization_plans a where o.id > 1;
    insert into projects (organization_id, slug) select 3 + n % 1000, 'p' || n from generate_series(1, ${PROJECTS}) n;
    insert into devices (project_id, slug) select id, 'd' from projects;
    insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count, last, last_at)
    select p.id, m.id, '2026-11-01Z', p.organization_id, 1, 1, 1, '2026-11-01Z'
    from projects p, meters m where m.slug in ('api_calls', 'storage_bytes');
    insert into usage_adjustments (organization_id, project_id, meter_id, hour, billed_month, sum, count)
    select organization_id, id, 7, '2026-10-01Z', '2026-11-01Z', 1, 1 from projects where id % 10 = 0;
    insert into limit_reservations (organization_id, project_id, resource, quantity, expires_at)
    select organization_id, id, 'api_calls', 1, '2026-11-19Z' from projects;
    analyze;
    load 'auto_explain';
    set auto_explain.log_min_duration = 0;
    set auto_explain.log_level = 'notice';
    set client_min_messages = 'notice'`);
}, 120_000);
afterAll(() => limits.close());

const SUBJECT = { organization: 'o7', project: 'p6' };

/** What Postgres did for the queries of `work`, one text. */
async function plansOf(work: () => Promise<unknown>): Promise<string> {
  const plans: string[] = [];
  const client = await limits.pool.connect();
  client.on('notice', ({ message }) => plans.push(message ?? ''));
  client.release();
  await work();
  return plans.join('\n');
}

/** These grow with what is counted; the others are a few pages whatever happens. */
const LARGE =
  /Seq Scan on (projects|devices|usage_monthly|usage_adjustments|limit_reservations|organizations)\b.*/g;

test.each(EVERYTHING)(
  'a check of %s at 100,000 projects reads no table from end to end',
  async (resource) => {
    // More often than Postgres makes plans of its own for: what counts is the one it keeps.
    const plans = await plansOf(async () => {
      for (let i = 0; i < 8; i += 1) {
        await checkLimit(limits.pool, { ...SUBJECT, resource, quantity: decimal(1) }, NOW_MS);
      }
    });
    expect(plans).toContain('Index');
    expect(plans.match(LARGE)).toBeNull();
  },
);

test('nor does reading all limits of a project', async () => {
  const plans = await plansOf(() => readLimits(limits.pool, SUBJECT, NOW_MS));
  expect(plans).toContain('Index');
  expect(plans.match(LARGE)).toBeNull();
});

test('Postgres keeps one plan for all that is asked, instead of planning anew', async () => {
  const { rows } = await limits.pool.query(
    "select name from pg_prepared_statements where name like 'read-limits-of-%' and generic_plans >= 3 order by name",
  );
  expect(rows.map(({ name }) => name)).toEqual(
    ['devices', 'meters', 'projects', 'users'].map((kind) => `read-limits-of-${kind}`),
  );
});
