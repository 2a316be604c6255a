import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { listOrphans } from '@odometer/database/objects/deleted-owners';
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
      event({ type, data: { objectType: 'scene' } }),
      event({ type: 'api_calls', data: { objectType: 'scene', objectId: '8' } }),
    ),
  ]);
  expect(await outcomes(system.pool)).toMatchObject({ unmetered: 3, duplicate: 2 });
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
  });
});
