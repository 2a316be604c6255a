import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { planSchema } from '@odometer/domain/limits/plan';
import { NOW_MS, openLimits } from '../../test/limits-fixture.ts';
import { inTransaction } from '../pool.ts';
import { assignPlan, findOrganizationTerms, setUsers } from './organization-plan.ts';
import { declarePlan, findPlan, listPlans } from './plans.ts';

let limits: Awaited<ReturnType<typeof openLimits>>;
beforeEach(async () => {
  limits = await openLimits();
});
afterEach(() => limits.close());

const declare = (plan: Readonly<Record<string, unknown>>, nowMs = NOW_MS) =>
  declarePlan(
    limits.pool,
    planSchema.parse({ slug: 'pro', currency: 'EUR', limits: [], ...plan }),
    { actor: 'cli:test', nowMs },
  );

const API_CALLS = { meter: 'api_calls', scope: 'project', included: 10, pricePerUnit: '0.002' };
const LOGS = { meter: 'logs', scope: 'organization', included: 'unlimited' };

describe('declarePlan', () => {
  test('makes a new version only when something differs, and audits that', async () => {
    expect(await declare({ limits: [LOGS, API_CALLS] })).toMatchObject({ version: 1 });
    const same = { ...API_CALLS, included: '10.000', pricePerUnit: '0.0020' };
    expect(await declare({ limits: [same, LOGS] })).toMatchObject({ version: 1 });
    const dearer = { ...API_CALLS, pricePerUnit: '0.003' };
    expect(await declare({ limits: [dearer, LOGS] })).toMatchObject({ version: 2 });
    expect(await declare({ limits: [dearer, LOGS], name: 'Pro' })).toMatchObject({ version: 3 });
    expect(await findPlan(limits.pool, 'pro')).toMatchObject({
      name: 'Pro',
      limits: [
        { meter: 'api_calls', included: '10', pricePerUnit: '0.003' },
        { meter: 'logs', included: null, pricePerUnit: null },
      ],
    });
    const { rows } = await limits.pool.query(
      "select actor, action, detail ->> 'version' as version from audit_log where subject = 'pro' order by id",
    );
    expect(rows).toEqual([
      { actor: 'cli:test', action: 'plan.create', version: '1' },
      { actor: 'cli:test', action: 'plan.update', version: '2' },
      { actor: 'cli:test', action: 'plan.update', version: '3' },
    ]);
  });

  test('of many at once makes one version of the same and one for each that differs', async () => {
    await Promise.all(Array.from({ length: 8 }, () => declare({ limits: [LOGS] })));
    expect((await findPlan(limits.pool, 'pro'))?.version).toBe(1);
    await Promise.all(Array.from({ length: 8 }, (_, i) => declare({ name: `Pro ${i}` })));
    expect((await findPlan(limits.pool, 'pro'))?.version).toBe(9);
  });

  test('keeps the newest version in force when the clock was set back', async () => {
    await declare({ name: 'one' });
    const second = await declare({ name: 'two' }, NOW_MS - 86_400_000);
    expect(second.validFrom.getTime()).toBe(NOW_MS);
  });

  test('refuses meters that have no limit, and then writes nothing', async () => {
    await limits.pool.query(`insert into meters (id, slug, kind, unit, event_type, aggregation, value_path, owner)
      values (1000, 'visitors', 'counter', 'visitor', 'visit', 'unique_count', '$.who', 'events')`);
    await expect(declare({ limits: [{ ...LOGS, meter: 'no_meter' }] })).rejects.toMatchObject({
      code: 'limit_meter_invalid',
    });
    await expect(declare({ limits: [{ ...LOGS, meter: 'visitors' }] })).rejects.toThrow(
      /visitors: a limit needs a meter that adds up/,
    );
    expect(await listPlans(limits.pool)).toEqual([]);
  });

  test('lists the newest version of each', async () => {
    await declare({ slug: 'b', name: 'old' });
    await declare({ slug: 'b', name: 'new' });
    await declare({ slug: 'a' });
    const plans = await listPlans(limits.pool);
    expect(plans.map(({ slug, name }) => [slug, name])).toEqual([
      ['a', null],
      ['b', 'new'],
    ]);
  });
});

describe('an organization', () => {
  const assign = (plan: string | null, nowMs = NOW_MS) =>
    inTransaction(limits.pool, (transaction) => assignPlan(transaction, 'acme', plan, nowMs));
  const users = (count: number) =>
    inTransaction(limits.pool, (transaction) => setUsers(transaction, 'acme', count, NOW_MS));

  test('has the plan it was given last, also by a clock that was set back', async () => {
    await declare({});
    await declare({ slug: 'free' });
    expect(await assign('pro')).toBeNull();
    expect(await assign('free', NOW_MS - 5_000)).toBe('pro');
    expect(await findOrganizationTerms(limits.pool, 'acme')).toEqual({ plan: 'free', users: 0 });
    await assign(null);
    expect((await findOrganizationTerms(limits.pool, 'acme'))?.plan).toBeNull();
  });

  test('gets no plan that does not exist', async () => {
    await expect(assign('gold')).rejects.toMatchObject({ code: 'plan_not_found' });
    await expect(
      inTransaction(limits.pool, (transaction) => assignPlan(transaction, 'nobody', null, NOW_MS)),
    ).rejects.toMatchObject({ code: 'organization_not_found' });
  });

  test('has as many users as it was told last', async () => {
    expect(await users(5)).toBe(0);
    expect(await users(3)).toBe(5);
    expect((await findOrganizationTerms(limits.pool, 'acme'))?.users).toBe(3);
  });
});
