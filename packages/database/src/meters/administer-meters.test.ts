import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { meterDeclarationSchema } from '@odometer/domain/meter-declaration';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { createPool, type Pool } from '../pool.ts';
import { addMeter, removeMeter, updateMeter } from './administer-meters.ts';
import { catalogueVersion } from './catalogue.ts';
import { findMeter, listMeters } from './stored-meter.ts';

let database: TestDatabase;
let pool: Pool;
beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 8 }, () => {});
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const declaration = (slug: string) =>
  meterDeclarationSchema.parse({
    slug,
    eventType: 'gpu',
    aggregation: 'SUM',
    valueProperty: '$.seconds',
    metadata: { team: 'ml' },
  });

async function versionsOf(slug: string): Promise<unknown> {
  const { rows } = await pool.query(
    'select catalogue_version, counted_back_at, count_back_time from meters where slug = $1',
    [slug],
  );
  return rows[0];
}

describe('a meter', () => {
  test('carries the version that its creation made, whatever is changed of it', async () => {
    await addMeter(pool, declaration('first'), 'test');
    const meter = await addMeter(pool, declaration('gpu'), 'test');
    const version = await catalogueVersion(pool);
    const before = await versionsOf('gpu');
    expect(before).toMatchObject({ catalogue_version: version });
    const changed = await updateMeter(
      pool,
      String(meter.id),
      { unit: 'second', groupBy: { model: '$.model' }, name: 'GPU' },
      'test',
    );
    expect(changed).toMatchObject({
      slug: 'gpu',
      unit: 'second',
      groupBy: { model: '$.model' },
      name: 'GPU',
      metadata: { team: 'ml' },
      valuePath: '$.seconds',
    });
    expect(await versionsOf('gpu')).toEqual(before);
    expect(await catalogueVersion(pool)).not.toBe(version);
  });

  test('is created once, by one of many who try', async () => {
    const results = await Promise.allSettled(
      [1, 2, 3, 4].map(() => addMeter(pool, declaration('gpu'), 'test')),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(results).toContainEqual(
      expect.objectContaining({ reason: expect.objectContaining({ code: 'meter_exists' }) }),
    );
    expect((await listMeters(pool)).filter(({ slug }) => slug === 'gpu')).toHaveLength(1);
  });

  test('that is used stays: by usage, late usage, usage without an owner, a plan or a reservation', async () => {
    const { id } = await addMeter(pool, declaration('gpu'), 'test');
    await pool.query("insert into organizations (slug) values ('acme')");
    await pool.query(
      "insert into projects (organization_id, slug) select id, 'web' from organizations",
    );
    const uses: readonly (readonly [table: string, insert: string, reason: string])[] = [
      [
        'usage_monthly',
        `insert into usage_monthly (project_id, meter_id, month, organization_id, sum, count)
         select id, ${id}, '2026-11-01Z', organization_id, 1, 1 from projects`,
        'usage was counted by it',
      ],
      [
        'usage_adjustments',
        `insert into usage_adjustments (project_id, meter_id, hour, billed_month, organization_id, sum, count)
         select id, ${id}, '2026-10-01Z', '2026-11-01Z', organization_id, 1, 1 from projects`,
        'usage was counted by it',
      ],
      [
        'unattributed_usage',
        `insert into unattributed_usage (organization, project, meter_id, hour, sum, count)
         values ('acme', 'app', ${id}, '2026-11-01Z', 1, 1)`,
        'usage was counted by it',
      ],
      [
        'limit_reservations',
        `insert into limit_reservations (organization_id, resource, quantity, expires_at)
         select id, 'gpu', 1, now() + interval '1 hour' from organizations`,
        'somebody has reserved it',
      ],
      [
        'plan_limits',
        `with p as (insert into plans (slug, version, currency) values ('pro', 1, 'EUR') returning id)
         insert into plan_limits (plan_id, resource, scope) select id, 'gpu', 'project' from p`,
        'a plan limits it',
      ],
    ];
    for (const [table, insert, reason] of uses) {
      await pool.query(insert);
      await expect(removeMeter(pool, 'gpu', 'test')).rejects.toMatchObject({
        code: 'meter_in_use',
        message: expect.stringContaining(reason),
      });
      await pool.query(`delete from ${table}`);
    }
    expect(await removeMeter(pool, 'gpu', 'test')).toBe('gpu');
    expect(await findMeter(pool, 'gpu')).toBeUndefined();
    await expect(removeMeter(pool, 'gpu', 'test')).rejects.toMatchObject({
      code: 'meter_not_found',
    });
  });

  test('that is built in is neither changed nor deleted', async () => {
    for (const attempt of [
      () => updateMeter(pool, 'logins', { unit: 'x' }, 'test'),
      () => removeMeter(pool, '11', 'test'),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'meter_built_in' });
    }
  });
});
