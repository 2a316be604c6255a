import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { formatQuantity } from '@odometer/domain/decimal';
import { overage, overageCharge } from '@odometer/domain/limits/charge';
import { seededRandom } from '@odometer/testing/seeded-random';
import {
  addLateUsage,
  DECEMBER_MS,
  decimal,
  limitAcme,
  NOVEMBER_MS,
  openLimits,
  setUsage,
} from '../../test/limits-fixture.ts';
import { inTransaction } from '../pool.ts';
import { planAsUsed, writeOrganizationCharges, writeProjectCharges } from './charges.ts';
import { assignPlan, setUsers } from './organization-plan.ts';

let limits: Awaited<ReturnType<typeof openLimits>>;
beforeEach(async () => {
  limits = await openLimits();
  await limits.pool.query(`insert into periods (organization_id, month, state, drafted_at)
    values (1, '2026-11-01Z', 'draft', now()), (2, '2026-11-01Z', 'draft', now())`);
});
afterEach(() => limits.close());

async function chargeProjects(projectIds = ['1', '2', '3'], month = NOVEMBER_MS) {
  await inTransaction(limits.pool, (transaction) =>
    writeProjectCharges(transaction, { month, projectIds }),
  );
  const { rows } = await limits.pool.query(
    'select project_id, tier, exceeded_limits, charges, overage_charge, currency from project_months order by 1',
  );
  return rows;
}

async function chargeOrganizations(organizationIds = ['1', '2']) {
  await inTransaction(limits.pool, (transaction) =>
    writeOrganizationCharges(transaction, { month: NOVEMBER_MS, organizationIds }),
  );
  const { rows } = await limits.pool.query(
    'select organization_id, exceeded_limits, charges, overage_charge, currency from periods order by 1',
  );
  return rows;
}

const NOTHING = { exceeded_limits: [], charges: [], overage_charge: '0' };

describe('a project’s month', () => {
  test('has a line for each limit with a price, and a row also without plan or usage', async () => {
    const { pool } = limits;
    await limitAcme(pool, [
      { meter: 'api_calls', scope: 'project', included: 1_000, pricePerUnit: '0.002' },
      { meter: 'logs', scope: 'project', included: 10, hard: true },
      { meter: 'storage_bytes', scope: 'project', included: 100, pricePerUnit: 1 },
      { meter: 'devices', scope: 'project', included: 1, pricePerUnit: 100 },
      { meter: 'sessions', scope: 'project', included: 'unlimited' },
      { meter: 'logins', scope: 'organization', included: 0, pricePerUnit: 1 },
    ]);
    await setUsage(pool, { projectId: 1, meter: 'api_calls', sum: '1200' });
    await addLateUsage(pool, 1, 'api_calls', '50');
    await setUsage(pool, { projectId: 1, meter: 'api_calls', sum: '9999', month: '2026-10-01Z' });
    await setUsage(pool, { projectId: 1, meter: 'logs', sum: '11' });
    await setUsage(pool, { projectId: 1, meter: 'logins', sum: '11' });
    await setUsage(pool, { projectId: 1, meter: 'storage_bytes', last: '9', average: '100.5' });
    await pool.query(`insert into devices (project_id, slug, first_seen_at)
      values (1, 'a', '2026-10-01Z'), (1, 'b', '2026-11-30 23:59:59.999Z'), (1, 'c', '2026-12-01Z')`);
    const [web, app, other] = await chargeProjects();
    expect(web).toEqual({
      project_id: '1',
      tier: 'pro',
      exceeded_limits: ['api_calls', 'devices', 'logs', 'storage_bytes'],
      currency: 'EUR',
      // 250 × 0.002 = 0.5 and 0.5 × 1: each line is rounded up by itself.
      overage_charge: '102',
      charges: [
        {
          meter: 'api_calls',
          included: '1000',
          used: '1250',
          overage: '250',
          price_per_unit: '0.002',
          charge: '1',
        },
        {
          meter: 'devices',
          included: '1',
          used: '2',
          overage: '1',
          price_per_unit: '100',
          charge: '100',
        },
        {
          meter: 'storage_bytes',
          included: '100',
          used: '100.5',
          overage: '0.5',
          price_per_unit: '1',
          charge: '1',
        },
      ],
    });
    expect(app).toMatchObject({ tier: 'pro', overage_charge: '0', exceeded_limits: [] });
    expect(app.charges).toHaveLength(3);
    expect(other).toEqual({ project_id: '3', tier: null, currency: null, ...NOTHING });
  });

  test('is billed by the plan and version in force at its last instant', async () => {
    const price = (pricePerUnit: number) => [
      { meter: 'logs', scope: 'project', included: 0, pricePerUnit },
    ];
    await setUsage(limits.pool, { projectId: 1, meter: 'logs', sum: '10' });
    await limitAcme(limits.pool, price(1));
    await limitAcme(limits.pool, price(2), { sinceMs: DECEMBER_MS - 1 });
    await limitAcme(limits.pool, price(3), { sinceMs: DECEMBER_MS });
    await limitAcme(limits.pool, price(4), { slug: 'dear', sinceMs: DECEMBER_MS });
    expect((await chargeProjects(['1']))[0]).toMatchObject({ tier: 'pro', overage_charge: '20' });
    const plans = await planAsUsed(limits.pool, NOVEMBER_MS, ['1', '2']);
    expect([...plans]).toEqual([
      [
        '1',
        {
          plan: 'pro',
          version: 2,
          currency: 'EUR',
          limits: [
            { meter: 'logs', scope: 'project', included: '0', hard: false, price_per_unit: '2' },
          ],
        },
      ],
    ]);
    expect((await planAsUsed(limits.pool, DECEMBER_MS, ['1'])).get('1')?.plan).toBe('dear');
  });

  test('is worked out again as often as it changes, until it is final', async () => {
    const { pool } = limits;
    await limitAcme(pool, [{ meter: 'logs', scope: 'project', included: 0, pricePerUnit: 1 }]);
    await setUsage(pool, { projectId: 1, meter: 'logs', sum: '10' });
    expect((await chargeProjects(['1']))[0]).toMatchObject({ overage_charge: '10' });
    await setUsage(pool, { projectId: 1, meter: 'logs', sum: '4' });
    expect((await chargeProjects(['1']))[0]).toMatchObject({ overage_charge: '4' });
    await setUsage(pool, { projectId: 1, meter: 'logs', sum: '5' });
    await pool.query('update project_months set final = true');
    expect((await chargeProjects(['1']))[0]).toMatchObject({ overage_charge: '4' });
  });

  test('survives usage and prices as large as are let in', async () => {
    const nines = `${'9'.repeat(30)}.${'9'.repeat(12)}`;
    await limitAcme(limits.pool, [
      { meter: 'logs', scope: 'project', included: 0, pricePerUnit: nines },
      { meter: 'logs', scope: 'organization', included: 0, pricePerUnit: nines },
    ]);
    await setUsage(limits.pool, { projectId: 1, meter: 'logs', sum: nines });
    const charge = overageCharge(decimal(nines), decimal(nines)).toString();
    expect((await chargeProjects(['1']))[0]).toMatchObject({ overage_charge: charge });
    expect((await chargeOrganizations(['1']))[0]).toMatchObject({ overage_charge: charge });
  });

  test('costs the same in SQL as by the rule, for any limits and usage (seed 7)', async () => {
    const random = seededRandom(7);
    const meters = ['api_calls', 'logs', 'sessions', 'logins', 'deployments'];
    const any = (digits: number, places: number) =>
      `${random.integer(0, 10 ** digits)}.${String(random.integer(0, 10 ** places - 1)).padStart(places, '0')}`;
    const plan = meters.map((meter) => ({
      meter,
      scope: 'project',
      included: any(4, 3),
      // Few digits, so that exact halves are met.
      pricePerUnit: `${random.integer(0, 3)}.${random.pick(['5', '25', '125', '001', '0'])}`,
    }));
    await limitAcme(limits.pool, plan);
    await limits.pool.query(`insert into projects (organization_id, slug)
      select 1, 'p' || n from generate_series(1, 200) n`);
    await limits.pool.query(`insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count)
      select p.id, m.id, '2026-11-01Z', 1, round((random() * 15000)::numeric, (random() * 4)::integer), 1
      from projects p, meters m where p.organization_id = 1 and m.slug = any('{${meters}}')`);
    const { rows } = await limits.pool.query<{ project_id: string; meter: string; sum: string }>(
      'select project_id, m.slug as meter, u.sum from usage_monthly u join meters m on m.id = u.meter_id',
    );
    const expected = new Map<string, bigint>();
    for (const { project_id, meter, sum } of rows) {
      const limit = plan.find((each) => each.meter === meter);
      if (limit === undefined) continue;
      const over = overage(decimal(sum), decimal(limit.included));
      const charge = overageCharge(over, decimal(limit.pricePerUnit));
      expected.set(project_id, (expected.get(project_id) ?? 0n) + charge);
    }
    const charged = await chargeProjects([...expected.keys()]);
    expect(new Map(charged.map((row) => [row.project_id, BigInt(row.overage_charge)]))).toEqual(
      new Map([...expected].sort(([a], [b]) => Number(a) - Number(b))),
    );
  });
});

describe('an organization’s month', () => {
  test('adds up its projects, and counts what is registered as it was at the month’s end', async () => {
    const { pool } = limits;
    await limitAcme(pool, [
      { meter: 'api_calls', scope: 'organization', included: 10, pricePerUnit: 1 },
      { meter: 'storage_bytes', scope: 'organization', included: 100, pricePerUnit: 1 },
      { meter: 'projects', scope: 'organization', included: 1, pricePerUnit: 1_000 },
      { meter: 'users', scope: 'organization', included: 2, pricePerUnit: 500 },
      { meter: 'devices', scope: 'organization', included: 0, pricePerUnit: 7 },
      { meter: 'logs', scope: 'project', included: 0, pricePerUnit: 1 },
    ]);
    await setUsage(pool, { projectId: 1, meter: 'api_calls', sum: '6' });
    await setUsage(pool, { projectId: 2, meter: 'api_calls', sum: '7' });
    await setUsage(pool, { projectId: 3, meter: 'api_calls', sum: '1000' });
    await addLateUsage(pool, 2, 'api_calls', '4');
    await setUsage(pool, { projectId: 1, meter: 'storage_bytes', average: '70.25' });
    await setUsage(pool, { projectId: 2, meter: 'storage_bytes', average: '30' });
    await setUsage(pool, { projectId: 1, meter: 'logs', sum: '99' });
    await pool.query(`
      insert into projects (organization_id, slug, created_at, archived_at) values
        (1, 'before', '2026-10-01Z', '2026-11-15Z'), (1, 'until', '2026-10-01Z', '2026-12-01Z'), (1, 'after', '2026-12-01Z', null);
      insert into devices (project_id, slug, first_seen_at)
      select id, 'd', '2026-10-01Z' from projects where slug in ('web', 'before', 'until')`);
    const users = (count: number, nowMs: number) =>
      inTransaction(pool, (transaction) => setUsers(transaction, 'acme', count, nowMs));
    await users(9, NOVEMBER_MS);
    await users(4, DECEMBER_MS - 1);
    await users(50, DECEMBER_MS);
    const [acme, other] = await chargeOrganizations();
    const line = (found: Record<string, string>) => [
      found.meter,
      found.used,
      found.overage,
      found.charge,
    ];
    expect(acme.charges.map(line)).toEqual([
      ['api_calls', '17', '7', '7'],
      ['devices', '2', '2', '14'],
      ['projects', '3', '2', '2000'],
      ['storage_bytes', '100.25', '0.25', '0'],
      ['users', '4', '2', '1000'],
    ]);
    expect(acme).toMatchObject({
      overage_charge: '3021',
      currency: 'EUR',
      exceeded_limits: ['api_calls', 'devices', 'projects', 'storage_bytes', 'users'],
    });
    expect(other).toEqual({ organization_id: '2', currency: null, ...NOTHING });
  });

  test('without a plan at its end costs nothing, also when it had one when it was drafted', async () => {
    const { pool } = limits;
    await setUsage(pool, { projectId: 1, meter: 'logs', sum: '5' });
    await limitAcme(pool, [{ meter: 'logs', scope: 'organization', included: 0, pricePerUnit: 1 }]);
    expect((await chargeOrganizations())[0]).toMatchObject({ overage_charge: '5' });
    await inTransaction(pool, (transaction) => assignPlan(transaction, 'acme', null, NOVEMBER_MS));
    expect((await chargeOrganizations())[0]).toMatchObject(NOTHING);
  });
});

test('negative usage is no overage', async () => {
  await limitAcme(limits.pool, [{ meter: 'logs', scope: 'project', included: 0, pricePerUnit: 1 }]);
  await setUsage(limits.pool, { projectId: 1, meter: 'logs', sum: formatQuantity(decimal(-5)) });
  expect((await chargeProjects(['1']))[0]).toMatchObject({
    overage_charge: '0',
    exceeded_limits: [],
  });
});

test('a level below zero of one project takes nothing away from another one’s', async () => {
  const { pool } = limits;
  const pricePerUnit = 1;
  await limitAcme(pool, [
    { meter: 'storage_bytes', scope: 'organization', included: 0, pricePerUnit },
  ]);
  await setUsage(pool, { projectId: 1, meter: 'storage_bytes', last: '-50' });
  await setUsage(pool, { projectId: 2, meter: 'storage_bytes', last: '7' });
  expect((await chargeOrganizations())[0]).toMatchObject({ overage_charge: '7' });
});
