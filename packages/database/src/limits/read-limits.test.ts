import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { formatQuantity } from '@odometer/domain/decimal';
import {
  addLateUsage,
  DECEMBER_MS,
  decimal,
  limitAcme,
  NOW_MS,
  openLimits,
  setUsage,
} from '../../test/limits-fixture.ts';
import { inTransaction } from '../pool.ts';
import { checkLimit } from './check-limit.ts';
import { assignPlan, setUsers } from './organization-plan.ts';
import { readLimits } from './read-limits.ts';

let limits: Awaited<ReturnType<typeof openLimits>>;
beforeEach(async () => {
  limits = await openLimits();
});
afterEach(() => limits.close());

const ACME_WEB = { organization: 'acme', project: 'web' };

/** `scope resource` → what is used. */
async function used(subject: { organization: string; project?: string } = ACME_WEB) {
  const { limits: found } = await readLimits(limits.pool, subject, NOW_MS);
  return Object.fromEntries(
    found.map((limit) => [`${limit.scope} ${limit.resource}`, formatQuantity(limit.used)]),
  );
}

const check = (resource: string, quantity: string, nowMs = NOW_MS) =>
  checkLimit(limits.pool, { ...ACME_WEB, resource, quantity: decimal(quantity) }, nowMs);

describe('what is used', () => {
  test('of a counter is this month and what is late and billed in it, of the project or of all', async () => {
    const { pool } = limits;
    await limitAcme(pool, [
      { meter: 'api_calls', scope: 'project', included: 100 },
      { meter: 'api_calls', scope: 'organization', included: 'unlimited' },
    ]);
    await setUsage(pool, { projectId: 1, meter: 'api_calls', sum: '9007199254740993.5' });
    await setUsage(pool, { projectId: 1, meter: 'api_calls', sum: '7', month: '2026-10-01Z' });
    await setUsage(pool, { projectId: 2, meter: 'api_calls', sum: '1' });
    await setUsage(pool, { projectId: 3, meter: 'api_calls', sum: '1000' });
    await setUsage(pool, { projectId: 1, meter: 'logs', sum: '5000' });
    await addLateUsage(pool, 1, 'api_calls', '2');
    await addLateUsage(pool, 2, 'api_calls', '3');
    expect(await used()).toEqual({
      'organization api_calls': '9007199254740999.5',
      'project api_calls': '9007199254740995.5',
    });
    expect(await used({ organization: 'acme' })).toEqual({
      'organization api_calls': '9007199254740999.5',
    });
  });

  test('of a gauge is the newest value of each project, of an older month when this one has none', async () => {
    const { pool } = limits;
    await limitAcme(pool, [
      { meter: 'storage_bytes', scope: 'project', included: 100 },
      { meter: 'storage_bytes', scope: 'organization', included: 100 },
    ]);
    await setUsage(pool, {
      projectId: 1,
      meter: 'storage_bytes',
      last: '10',
      month: '2026-09-01Z',
    });
    await setUsage(pool, {
      projectId: 1,
      meter: 'storage_bytes',
      last: '20',
      month: '2026-10-01Z',
    });
    await setUsage(pool, { projectId: 2, meter: 'storage_bytes', last: '30' });
    expect(await used()).toEqual({
      'organization storage_bytes': '50',
      'project storage_bytes': '20',
    });
  });

  test('of what is registered is counted', async () => {
    const { pool } = limits;
    await limitAcme(pool, [
      { meter: 'projects', scope: 'organization', included: 5 },
      { meter: 'users', scope: 'organization', included: 5 },
      { meter: 'devices', scope: 'organization', included: 5 },
      { meter: 'devices', scope: 'project', included: 5 },
    ]);
    await pool.query(`insert into devices (project_id, slug) values (1, 'a'), (1, 'b'), (2, 'a'), (3, 'a');
      insert into projects (organization_id, slug, archived_at) values (1, 'gone', now())`);
    await inTransaction(pool, (transaction) => setUsers(transaction, 'acme', 4, NOW_MS));
    expect(await used()).toEqual({
      'organization devices': '3',
      'organization projects': '2',
      'organization users': '4',
      'project devices': '2',
    });
  });
});

describe('checkLimit', () => {
  test('without a plan allows everything and says that nothing limits it', async () => {
    await setUsage(limits.pool, { projectId: 1, meter: 'api_calls', sum: '5' });
    expect(await check('api_calls', '1e29')).toMatchObject({
      allowed: true,
      plan: null,
      remaining: null,
      limit: { included: null, used: decimal(5) },
    });
  });

  test('asks the limits of both scopes, and tells when a counter starts anew', async () => {
    const { pool } = limits;
    await limitAcme(pool, [
      { meter: 'api_calls', scope: 'project', included: 10, hard: true },
      { meter: 'api_calls', scope: 'organization', included: 12, hard: true },
    ]);
    await setUsage(pool, { projectId: 2, meter: 'api_calls', sum: '8' });
    const refused = await check('api_calls', '4.000000000001');
    expect(refused).toMatchObject({ allowed: false, limit: { scope: 'organization' } });
    expect(refused.limit.resetsAtMs).toBe(DECEMBER_MS);
    expect(await check('api_calls', '4')).toMatchObject({ allowed: true, remaining: decimal(4) });
    // A month later nothing is used.
    expect(await check('api_calls', '10', DECEMBER_MS)).toMatchObject({ allowed: true });
    // And before the plan nothing was limited.
    expect(await check('api_calls', '99', DECEMBER_MS - 70 * 86_400_000)).toMatchObject({
      plan: null,
    });
  });

  test.each([
    [{ organization: 'nobody' }, 'organization_not_found'],
    [{ organization: 'acme', project: 'nothing' }, 'project_not_found'],
    [{ organization: 'acme', resource: 'no_meter' }, 'limit_meter_invalid'],
    [{ organization: "x' or '1'='1" }, 'organization_not_found'],
  ])('refuses to answer for %j', async (subject, code) => {
    const question = { resource: 'api_calls', quantity: decimal(1), ...subject };
    await expect(checkLimit(limits.pool, question, NOW_MS)).rejects.toMatchObject({ code });
  });

  test('goes by the plan the organization has now, and by none once it is taken away', async () => {
    const { pool } = limits;
    await limitAcme(pool, [{ meter: 'logs', scope: 'project', included: 0, hard: true }]);
    expect((await check('logs', '1')).allowed).toBe(false);
    await limitAcme(pool, [{ meter: 'logs', scope: 'project', included: 1, hard: true }], {
      sinceMs: NOW_MS,
    });
    expect(await check('logs', '1')).toMatchObject({ allowed: true, plan: { version: 2 } });
    await inTransaction(pool, (transaction) => assignPlan(transaction, 'acme', null, NOW_MS));
    expect(await check('logs', '2')).toMatchObject({ allowed: true, plan: null });
  });
});
