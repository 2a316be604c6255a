import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { listOrphans } from '@odometer/database/objects/orphans';
import { event, openAppliers, outcomes, Producer } from '../../test/applier-fixture.ts';
import { declareBucket, expectLevelsToAddUp, removed, stored } from '../../test/object-fixture.ts';

let system: Awaited<ReturnType<typeof openAppliers>>;
beforeEach(async () => {
  system = await openAppliers();
  await declareBucket(system.pool);
});
afterEach(async () => {
  await expectLevelsToAddUp(system.pool);
  await system.close();
});

test('an event says that an owner is deleted: its live objects are orphans, page by page', async () => {
  const objects = await new Producer(system.pool, 'objects').open();
  const events = await new Producer(system.pool, 'events').open();
  await system.objects.apply([
    objects.objects(
      ...['a', 'b', 'c'].map((name) => stored(`acme/web/scenes/7/${name}`, 10, 'A1')),
      stored('acme/web/scenes/8/a', 10, 'A1'),
      stored('acme/app/scenes/7/a', 10, 'A1'),
      stored('acme/web/scenes/7/gone', 10, 'A1'),
    ),
    objects.objects(removed('acme/web/scenes/7/gone', 'A2')),
  ]);
  const type = 'owner.deleted';
  const gone = event({ type, data: { objectType: 'scene', objectId: 7 } });
  await system.events.apply([
    events.events(
      gone,
      gone,
      event({ type, data: { object_type: 'scene', object_id: '9' } }),
      event({ type: 'api_calls', data: { objectType: 'scene', objectId: '8' } }),
    ),
  ]);
  expect(await outcomes(system.pool)).toMatchObject({ unmetered: 2, duplicate: 2 });
  const { rows } = await system.pool.query(
    'select object_type, object_id from deleted_owners order by 2',
  );
  expect(rows).toEqual([
    { object_type: 'scene', object_id: '7' },
    { object_type: 'scene', object_id: '9' },
  ]);
  const page = await listOrphans(system.pool, { limit: 2 });
  const last = page.at(-1);
  const rest = await listOrphans(system.pool, { limit: 2, ...(last && { after: last }) });
  expect([...page, ...rest].map(({ key }) => key)).toEqual(
    ['a', 'b', 'c'].map((name) => `acme/web/scenes/7/${name}`),
  );
  expect(page[0]).toMatchObject({
    organization: 'acme',
    project: 'web',
    objectId: '7',
    bucket: 'assets',
    recordedBy: `event:${gone.source}`,
  });
});

test('an event that does not say whose owner is deleted is invalid, and says why', async () => {
  const events = await new Producer(system.pool, 'events').open();
  const type = 'owner.deleted';
  await system.events.apply([
    events.events(
      event({ type, data: { objectType: 'scene' } }),
      event({ type, data: { objectId: '7' } }),
      event({ type, data: 'scene 7' }),
    ),
  ]);
  expect(await outcomes(system.pool)).toEqual({ items: 3, invalid: 3 });
  const { rows } = await system.pool.query(
    'select validation_error, count(*)::int as n from events group by 1 order by 1',
  );
  expect(rows).toEqual([
    { validation_error: 'data.objectId is neither text nor a whole number', n: 1 },
    { validation_error: 'data.objectType is no name', n: 2 },
  ]);
  expect((await system.pool.query('select from deleted_owners')).rowCount).toBe(0);
});
