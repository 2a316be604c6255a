import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { bucketsToMap } from '@odometer/database/objects/buckets';
import { mapObjectsJob } from '@odometer/queues/map-objects-job';
import { openAppliers, outcomes, Producer } from '../../test/applier-fixture.ts';
import {
  declareBucket,
  expectLevelsToAddUp,
  levels,
  removed,
  STORED_AT_MS,
  stored,
} from '../../test/object-fixture.ts';
import { attributeObjects } from './attribute-objects.ts';
import { mapObjects } from './map-objects.ts';

let system: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;
const never = new AbortController().signal;

async function open(autoProvision: boolean): Promise<void> {
  system = await openAppliers({ autoProvision });
  producer = await new Producer(system.pool, 'objects').open();
  await declareBucket(system.pool);
}
beforeEach(() => open(true));
afterEach(async () => {
  await expectLevelsToAddUp(system.pool);
  await system.close();
});

const register = (organization: string, project: string) =>
  system.pool.query(
    `with o as (
       insert into organizations (slug) values ($1) on conflict (slug) do update set slug = excluded.slug returning id
     ) insert into projects (organization_id, slug) select id, $2 from o`,
    [organization, project],
  );
const map = async (signal = never) => {
  for (const bucket of await bucketsToMap(system.pool)) {
    await mapObjects(system.worker().parts, mapObjectsJob(bucket), signal);
  }
};

test('objects that were kept for a name are the project’s once it is registered, and only then', async () => {
  await system.close();
  await open(false);
  await system.objects.apply([
    producer.objects(
      stored('acme/web/scenes/1/a', 100, 'A1'),
      stored('acme/web/logs/1', 20, 'A1'),
      stored('acme/app/x', 5, 'A1'),
      removed('acme/web/gone', 'A1'),
    ),
  ]);
  expect(await outcomes(system.pool)).toEqual({ items: 4, unattributed: 4 });
  expect(await attributeObjects(system.pool)).toBe(0);
  await register('acme', 'web');
  // The declaration is of just now; the object was there before it.
  await system.pool.query("update buckets set declared_at = now() - interval '1 day'");
  const appliers = Array.from({ length: 10 }, (_, i) =>
    system
      .worker()
      .objects.apply([
        producer.objects(
          stored('acme/web/scenes/1/a', 200 + i, `B${i}`),
          stored('acme/web/b', 1, 'A1'),
        ),
      ]),
  );
  await Promise.all([attributeObjects(system.pool), attributeObjects(system.pool), ...appliers]);
  await attributeObjects(system.pool);
  expect(await levels(system.pool)).toEqual({
    'acme/web log': ['20', 1],
    'acme/web object': ['1', 1],
    'acme/web scene': ['209', 1],
    'nobody object': ['5', 1],
  });
  const { rows } = await system.pool.query(
    'select min(hour) as first, count(distinct project_id)::int as projects from storage_changes',
  );
  // From when it was stored, in the first hour that is not settled.
  expect(rows).toEqual([{ first: expect.any(Date), projects: 1 }]);
  const { rows: time } = await system.pool.query<{ byte_ms: string; hour: Date }>(
    `select byte_ms::text, hour from storage_changes order by hour limit 1`,
  );
  expect(Number(time[0]?.byte_ms)).toBeGreaterThan(20 * 3_600_000 * 0.9);
  expect(STORED_AT_MS).toBeLessThan(Date.now());
});

test('what keys mean is changed: objects get other owners and types, while appliers go on', async () => {
  const keys = Array.from({ length: 300 }, (_, i) => `acme/web/items/${i}/x`);
  await system.objects.apply([
    producer.objects(...keys.map((key) => stored(key, 1, 'A1')), stored('top', 3, 'A1')),
  ]);
  await declareBucket(system.pool, {
    keys: 'acme/{project}/…',
    organization: 'other',
    types: [{ pattern: 'items/{object_id}/…', type: 'item' }],
  });
  const appliers = keys
    .slice(0, 100)
    .map((key) => system.worker().objects.apply([producer.objects(stored(key, 10, 'A2'))]));
  await Promise.all([map(), map(), ...appliers]);
  await system.objects.apply([producer.objects(stored('acme/web/items/new', 7, 'A1'))]);
  expect(await levels(system.pool)).toEqual({
    'nobody object': ['3', 1],
    'other/web item': ['1200', 300],
    'other/web object': ['7', 1],
  });
  expect(await bucketsToMap(system.pool)).toEqual([]);
  const { rows } = await system.pool.query(
    "select count(*)::int as owned from stored_objects where object_id = '17' and metered_object_type = 'item'",
  );
  expect(rows).toEqual([{ owned: 1 }]);
  // Again is once.
  const before = await levels(system.pool);
  await system.pool.query('update buckets set mapped_version = 0');
  await map();
  expect(await levels(system.pool)).toEqual(before);
});

test('a mapping whose time is up says where it stopped, and is done only when it is', async () => {
  await system.objects.apply([producer.objects(stored('acme/web/a', 1, 'A1'))]);
  await declareBucket(system.pool, { keys: '…', organization: 'one', project: 'all' });
  const [bucket] = await bucketsToMap(system.pool);
  if (bucket === undefined) throw new Error('no bucket is to be mapped');
  const job = mapObjectsJob(bucket);
  expect(await mapObjects(system.parts, job, AbortSignal.abort())).toEqual(job);
  expect(await bucketsToMap(system.pool)).toHaveLength(1);
  // A version of what keys mean that has been superseded maps nothing.
  expect(await mapObjects(system.parts, { ...job, mappingVersion: 1 }, never)).toBeUndefined();
  expect(await bucketsToMap(system.pool)).toHaveLength(1);
  expect(await mapObjects(system.parts, job, never)).toBeUndefined();
  expect(await levels(system.pool)).toEqual({ 'one/all object': ['1', 1] });
});

test('what is told late of the time before a mapping takes nothing from the new owner', async () => {
  const megabyte = 1_000_000;
  const anHourAgoMs = Date.now() - 3_600_000;
  await system.objects.apply([
    producer.objects(
      stored('acme/web/removed', megabyte, 'A1', { atMs: anHourAgoMs }),
      stored('acme/web/shrunk', megabyte, 'A1', { atMs: anHourAgoMs }),
      removed('acme/web/again', 'A1', { atMs: anHourAgoMs }),
    ),
  ]);
  await declareBucket(system.pool, { keys: 'acme/{project}/…', organization: 'other' });
  await map();
  const mappedByMs = Date.now();
  // All of them half an hour ago, when it was the former owner's.
  const atMs = anHourAgoMs + 1_800_000;
  await system.objects.apply([
    producer.objects(
      removed('acme/web/removed', 'A2', { atMs }),
      stored('acme/web/shrunk', 1, 'A2', { atMs }),
      stored('acme/web/again', 10, 'A2', { atMs }),
      stored('acme/web/again', 5, 'A3', { atMs: atMs + 1 }),
    ),
  ]);
  expect(await levels(system.pool)).toEqual({ 'other/web object': ['6', 2] });
  const { rows } = await system.pool.query<{ bytes: number; byte_ms: number; until: Date }>(
    `select sum(c.bytes)::int as bytes, sum(c.byte_ms)::float as byte_ms, max(c.hour) + interval '1 hour' as until
     from storage_changes c join projects p on p.id = c.project_id join organizations o on o.id = p.organization_id
     where o.slug = 'other'`,
  );
  const [time] = rows;
  expect(time?.bytes).toBe(6);
  expect(time?.byte_ms).toBeGreaterThanOrEqual(6 * ((time?.until.getTime() ?? 0) - mappedByMs));
  expect(time?.byte_ms).toBeLessThan(6 * 3_600_001);
});

test('names that nobody has registered have byte-time of their own, and a mapping moves it from now on', async () => {
  await system.close();
  await open(false);
  const anHourAgoMs = Date.now() - 3_600_000;
  await system.objects.apply([
    producer.objects(stored('acme/web/a', 1_000, 'A1', { atMs: anHourAgoMs })),
  ]);
  await declareBucket(system.pool, { keys: 'acme/{project}/…', organization: 'other' });
  await expectLevelsToAddUp(system.pool);
  const fromMs = Date.now();
  await map();
  const untilMs = Date.now();
  await expectLevelsToAddUp(system.pool);
  await register('acme', 'web');
  await register('other', 'web');
  await attributeObjects(system.pool);
  expect(await levels(system.pool)).toEqual({ 'other/web object': ['1000', 1] });
  const { rows } = await system.pool.query<{ slug: string; bytes: string; held_ms: number }>(
    `select o.slug, sum(c.bytes)::text as bytes,
       -- As if the last hour had ended: what was carried into it is there all through it.
       (sum(c.byte_ms + c.bytes * extract(epoch from last.hour - c.hour) * 1000) / 1000)::float as held_ms
     from storage_changes c join projects p on p.id = c.project_id join organizations o on o.id = p.organization_id,
       (select max(hour) as hour from storage_changes) last
     group by 1 order by 1`,
  );
  const [before, after] = rows;
  expect(rows).toMatchObject([
    { slug: 'acme', bytes: '0' },
    { slug: 'other', bytes: '1000' },
  ]);
  expect(before?.held_ms).toBeGreaterThanOrEqual(fromMs - anHourAgoMs);
  expect(before?.held_ms).toBeLessThanOrEqual(untilMs - anHourAgoMs);
  expect(after?.held_ms).toBeLessThanOrEqual(3_600_000);
});
