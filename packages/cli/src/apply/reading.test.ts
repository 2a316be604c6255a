import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { removeMeter } from '@odometer/database/meters/administer-meters';
import { catalogueVersion, listEventMeters } from '@odometer/database/meters/catalogue';
import { findMeter } from '@odometer/database/meters/stored-meter';
import { createPool, type Pool } from '@odometer/database/pool';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { applyDeclarations, type Change } from './apply-declarations.ts';
import { readDeclarations } from './read-declarations.ts';

let database: TestDatabase;
let pool: Pool;
beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 4 }, () => {});
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const apply = (text: string, dryRun = false): Promise<readonly Change[]> =>
  applyDeclarations(pool, readDeclarations('FILE.yaml', text), {
    file: 'FILE.yaml',
    dryRun,
    actor: 'cli:test',
  });
const actions = async (text: string, dryRun = false) =>
  (await apply(text, dryRun)).map(({ action }) => action);

const reading = (name: string, meter: string, mode: 'gauge' | 'window', more = '') => `
kind: Reading
spec:
  name: ${name}
  meter: ${meter}
  mode: ${mode}
  databaseUrlEnv: ODOMETER_READING_URL_APP
  query: >-
    select organization, project, count(*) as value from things
    ${mode === 'window' ? 'where at >= :start and at < :end' : ''} group by 1, 2
  ${more}
`;

const used = (meter: string) =>
  pool.query(
    `insert into unattributed_usage (organization, project, meter_id, hour, sum, count)
     select 'acme', 'web', id, '2026-11-01Z', 1, 1 from meters where slug = $1`,
    [meter],
  );

describe('a reading', () => {
  test('creates its meter, which a plan of the same file may limit', async () => {
    const plan =
      'kind: Plan\nspec: { slug: pro, currency: EUR, limits: [{ meter: app_devices, scope: project, included: 5 }] }\n';
    const text = `${plan}---${reading('fleet', 'app_devices', 'gauge', 'unit: device')}`;
    expect(await actions(text, true)).toEqual(['create', 'create']);
    expect(await findMeter(pool, 'app_devices')).toBeUndefined();
    expect(await actions(text)).toEqual(['create', 'create']);
    expect(await actions(text)).toEqual(['unchanged', 'unchanged']);
    expect(await findMeter(pool, 'app_devices')).toMatchObject({
      kind: 'gauge',
      unit: 'device',
      aggregation: 'latest',
      owner: 'reading:fleet',
      eventType: null,
      countingBack: false,
    });
    const { rows } = await pool.query(
      "select action, subject from audit_log where subject = 'fleet'",
    );
    expect(rows).toEqual([{ action: 'reading.create', subject: 'fleet' }]);
  });

  test('takes over a built-in meter that events feed, before there is any usage', async () => {
    const before = await catalogueVersion(pool);
    await apply(reading('app', 'sessions', 'window'));
    expect(await findMeter(pool, 'sessions')).toMatchObject({
      id: 9,
      kind: 'counter',
      owner: 'reading:app',
      eventType: null,
      valuePath: null,
      builtIn: true,
    });
    const fed = (await listEventMeters(pool)).map(({ slug }) => slug);
    expect(fed).toContain('logs');
    expect(fed).not.toContain('sessions');
    expect(Number(await catalogueVersion(pool))).toBe(Number(before) + 1);
    const { rows } = await pool.query(
      "select read_from = date_trunc('hour', now(), 'UTC') as now, read_through = read_from as same from reading_progress",
    );
    expect(rows).toEqual([{ now: true, same: true }]);
  });

  test('may be given another query, but no other meter and no other mode', async () => {
    await apply(reading('app', 'sessions', 'window'));
    expect(await actions(reading('app', 'sessions', 'window', 'reviseHours: 3'))).toEqual([
      'update',
    ]);
    await expect(apply(reading('app', 'logs', 'window'))).rejects.toThrow(
      'meter cannot be changed from sessions to logs',
    );
    await expect(apply(reading('app', 'sessions', 'gauge'))).rejects.toThrow(
      'mode cannot be changed from window to gauge',
    );
  });

  test('keeps its meter: nobody can delete it, or feed it by events', async () => {
    await apply(reading('app', 'app_devices', 'gauge'));
    await expect(removeMeter(pool, 'app_devices', 'cli:test')).rejects.toThrow(
      'it belongs to reading:app',
    );
    const meter =
      'kind: Meter\nspec: { slug: app_devices, eventType: d, aggregation: latest, valueProperty: $.n }\n';
    await expect(apply(meter)).rejects.toThrow('eventType cannot be changed from nothing to d');
  });
});

describe('a meter has one source: refused is', () => {
  const refused = async (text: string, sentence: string) => {
    for (const dryRun of [true, false]) await expect(apply(text, dryRun)).rejects.toThrow(sentence);
    const { rows } = await pool.query("select from measured_targets where name = 'second'");
    expect(rows).toEqual([]);
  };

  test('a meter with usage that came by events', async () => {
    await used('sessions');
    await refused(
      reading('second', 'sessions', 'window'),
      'Reading second: meter sessions has usage that came by events',
    );
  });

  test('a meter that somebody declared for events', async () => {
    await apply('kind: Meter\nspec: { slug: gpu, eventType: gpu, aggregation: count }\n');
    await refused(reading('second', 'gpu', 'window'), 'meter gpu is fed by events of type gpu');
  });

  test('what mqtt-counter counts, and what Odometer measures itself', async () => {
    await refused(reading('second', 'mqtt_inbound', 'window'), 'is counted by mqtt-counter');
    await refused(reading('second', 's3_storage_bytes', 'gauge'), 'is measured by Odometer itself');
    await refused(reading('second', 'device_count', 'gauge'), 'is measured by Odometer itself');
  });

  test('the meter of another reading, with or without usage', async () => {
    await apply(reading('first', 'sessions', 'window'));
    const sentence = 'meter sessions is fed by reading:first, and a meter has one source only';
    await refused(reading('second', 'sessions', 'window'), sentence);
    await used('sessions');
    await refused(reading('second', 'sessions', 'window'), sentence);
    expect(await actions(reading('first', 'sessions', 'window'))).toEqual(['unchanged']);
  });

  test('one meter for two readings of one file: none of them is there then', async () => {
    const both = `${reading('first', 'sessions', 'window')}---${reading('second', 'sessions', 'window')}`;
    await expect(apply(both)).rejects.toMatchObject({ code: 'meter_owned' });
    expect(await findMeter(pool, 'sessions')).toMatchObject({ owner: 'events' });
  });

  test('a gauge for a counter, and the other way round', async () => {
    await refused(
      reading('second', 'sessions', 'gauge'),
      'sessions is a counter, and this reads a gauge',
    );
    await apply(reading('fleet', 'app_devices', 'gauge'));
    await refused(
      reading('second', 'app_devices', 'window'),
      'is a gauge, and this reads a counter',
    );
  });
});

test.each([
  [
    'a window without its end',
    reading('a', 'b', 'window').replace(':end', 'now()'),
    ':start and :end',
  ],
  [
    'a gauge with a window',
    reading('a', 'b', 'gauge').replace('things', 'things where at > :start'),
    'a gauge is read now',
  ],
  [
    'two statements',
    reading('a', 'b', 'gauge').replace('things', 'things; delete from things'),
    'should be one statement',
  ],
  [
    'a string without an end',
    reading('a', 'b', 'gauge').replace('things', "'things"),
    'without an end',
  ],
  ['what limits call something else', reading('a', 'devices', 'gauge'), 'registered'],
  [
    'a secret in clear',
    reading('a', 'b', 'gauge').replace('ODOMETER_READING_URL_APP', 'postgres://u:p@h/d'),
    'should begin with ODOMETER_READING_URL_',
  ],
  [
    'revisions of a gauge',
    reading('a', 'b', 'gauge', 'reviseHours: 3'),
    'unknown field reviseHours',
  ],
])('a reading is refused for %s', (_what, text, problem) => {
  expect(() => readDeclarations('FILE.yaml', text)).toThrow(problem);
});

test('cross-checks are declared, and declared again, without a difference', async () => {
  const text = `
kind: CrossCheck
spec: { name: iot, source: cloudwatch, region: eu-central-1 }
---
kind: CrossCheck
spec: { name: main, source: broker, urlEnv: ODOMETER_CROSS_CHECK_URL_MAIN, tolerance: { percent: 0.5 } }
`;
  expect(await actions(text)).toEqual(['create', 'create']);
  expect(await actions(text)).toEqual(['unchanged', 'unchanged']);
  expect(() => readDeclarations('FILE.yaml', text.replace('cloudwatch', 'broker'))).toThrow(
    'urlEnv',
  );
});
