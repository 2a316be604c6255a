import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { inTransaction } from '@odometer/database/pool';
import { openAppliers, Producer } from '../../test/applier-fixture.ts';
import {
  declareBucket,
  expectLevelsToAddUp,
  levels,
  removed,
  stored,
} from '../../test/object-fixture.ts';
import { readUnreadLevels } from './read-levels.ts';

let system: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;
beforeEach(async () => {
  system = await openAppliers();
  producer = await new Producer(system.pool, 'objects').open();
  await declareBucket(system.pool);
});
afterEach(async () => {
  await expectLevelsToAddUp(system.pool);
  await system.close();
});

const read = () => readUnreadLevels(system.worker().parts);
/** The last reading of each gauge, as limits and views see it. */
const gauges = async () => {
  const { rows } = await system.pool.query<{ name: string; last: string }>(
    `select p.slug || ' ' || m.slug as name, u.last::text from usage_monthly u
     join projects p on p.id = u.project_id join meters m on m.id = u.meter_id order by 1`,
  );
  return Object.fromEntries(rows.map(({ name, last }) => [name, last]));
};

test('what is stored is recorded at one instant for each project whose levels changed, once', async () => {
  await system.objects.apply([
    producer.objects(
      stored('acme/web/scenes/1/a', 100, 'A1'),
      stored('acme/web/logs/1', 20, 'A1'),
      stored('acme/app/x', 5, 'A1'),
      stored('nobody', 5, 'A1'),
    ),
  ]);
  expect(await read()).toBe(2);
  const first = {
    'app s3_object_count': '1',
    'app s3_storage_bytes': '5',
    'app storage_bytes': '5',
    'web logs_storage_bytes': '20',
    'web s3_object_count': '2',
    'web s3_storage_bytes': '120',
    'web storage_bytes': '120',
  };
  expect(await gauges()).toEqual(first);
  expect(await read()).toBe(0);
  const { rows } = await system.pool.query('select distinct at from gauge_readings');
  expect(rows).toHaveLength(1);

  await system.objects.apply([
    producer.objects(
      removed('acme/web/scenes/1/a', 'A2'),
      removed('acme/web/logs/1', 'A2'),
      // A project that has as much as before, though not the same.
      removed('acme/app/x', 'A2'),
      stored('acme/app/y', 5, 'A2'),
    ),
  ]);
  await read();
  expect(await gauges()).toEqual({
    ...first,
    'web logs_storage_bytes': '0',
    'web s3_object_count': '0',
    'web s3_storage_bytes': '0',
    'web storage_bytes': '0',
  });
});

test('what registries hold is added', async () => {
  await system.objects.apply([producer.objects(stored('acme/web/a', 100, 'A1'))]);
  await system.pool.query(
    `insert into registry_levels (registry, project_id, organization_id, bytes, images, measured_at)
     select r, id, organization_id, 1000, 3, now() from projects, unnest(array['one', 'two']) r`,
  );
  await read();
  expect(await gauges()).toEqual({
    'web docker_storage_bytes': '2000',
    'web ecr_image_count': '6',
    'web s3_object_count': '1',
    'web s3_storage_bytes': '100',
    'web storage_bytes': '2100',
  });
});

test('an account that is being changed is left to the next time, and so is read whole', async () => {
  await system.objects.apply([producer.objects(stored('acme/web/a', 100, 'A1'))]);
  await inTransaction(system.pool, async (applier) => {
    await applier.query('select from storage_accounts for update');
    expect(await read()).toBe(0);
  });
  expect(await read()).toBe(1);
});

test('several that read while appliers write: in the end the last reading is what is stored', async () => {
  const workers = Array.from({ length: 3 }, () => system.worker());
  let done = false;
  const reading = workers.map(async ({ parts }) => {
    while (!done) await readUnreadLevels(parts);
  });
  for (let round = 1; round <= 30; round += 1) {
    await Promise.all(
      workers.map(({ objects }, i) =>
        objects.apply([
          producer.objects(
            stored(`acme/p${round % 3}/${i}`, round, `A${(256 + round).toString(16)}F`),
          ),
        ]),
      ),
    );
  }
  done = true;
  await Promise.all(reading);
  await read();
  expect(await gauges()).toMatchObject({
    'p0 s3_storage_bytes': '90',
    'p1 s3_storage_bytes': '84',
    'p2 s3_storage_bytes': '87',
  });
  expect(await levels(system.pool)).toMatchObject({ 'acme/p0 object': ['90', 3] });
});
