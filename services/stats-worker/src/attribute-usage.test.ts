import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { event, hourlySums, monthlySums, openAppliers, Producer } from '../test/applier-fixture.ts';
import { attributeUsage } from './attribute-usage.ts';
import { MonthPartitions } from './month-partitions.ts';
import { UsageWriter } from './periods/usage-writer.ts';

let system: Awaited<ReturnType<typeof openAppliers>>;
beforeEach(async () => {
  system = await openAppliers({ autoProvision: false });
});
afterEach(() => system.close());

const register = (table: 'projects' | 'devices', slug: string) =>
  table === 'projects'
    ? system.pool.query(
        `with o as (insert into organizations (slug) values ('acme') returning id)
         insert into projects (organization_id, slug) select id, $1 from o`,
        [slug],
      )
    : system.pool.query('insert into devices (project_id, slug) select id, $1 from projects', [
        slug,
      ]);

test('usage kept for an unknown project is counted once it is registered, once only', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  const mqtt = await new Producer(system.pool, 'mqtt').open();
  await system.events.apply([
    producer.events(event({ data: { value: 2 } }), event({ time: '2026-10-05T00:00:00Z' })),
  ]);
  await system.counts.apply([mqtt.counts([['acme', 'web', 'd1', 3, 300, 3, 0, 0, 0]])]);
  const partitions = new MonthPartitions();
  const usage = new UsageWriter();
  expect(await attributeUsage(system.pool, partitions, usage)).toBe(0);
  expect(await hourlySums(system.pool)).toEqual({});

  await register('projects', 'web');
  await Promise.all([1, 2, 3].map(() => attributeUsage(system.pool, partitions, usage)));
  const sums = {
    'acme/web api_calls': '3',
    'acme/web mqtt_inbound': '3',
    'acme/web mqtt_inbound_bytes': '300',
    'acme/web mqtt_inbound_units': '3',
  };
  expect(await hourlySums(system.pool)).toEqual(sums);
  expect(await monthlySums(system.pool)).toEqual(sums);
  const { rows } = await system.pool.query('select 1 from events where project_id is null');
  expect(rows).toHaveLength(0);
});

test('kept usage of any size is counted, and what one organization sent stops no other', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  const largest = '9'.repeat(30);
  const hours = ['2026-10-05T00:00:00Z', '2026-10-05T01:00:00Z', '2026-10-05T02:00:00Z'];
  await system.events.apply([
    producer.events(
      ...hours.map((time) => event({ device: 'd1', time, data: { value: largest } })),
      event({ organization: 'zeta', subject: 'zeta/web', data: { value: 2 } }),
    ),
  ]);
  await system.pool.query(
    `with o as (insert into organizations (slug) values ('acme'), ('zeta') returning id),
       p as (insert into projects (organization_id, slug) select id, 'web' from o returning id)
     insert into devices (project_id, slug) select id, 'd1' from p`,
  );
  const partitions = new MonthPartitions();
  const usage = new UsageWriter();
  // Whatever else cannot be moved of an organization, the database says no to it.
  await system.pool.query(
    `create function refuse() returns trigger language plpgsql as 'begin raise ''no''; end';
     create trigger refuse before insert on usage_monthly for each row
     when (new.sum > 1000) execute function refuse()`,
  );
  await expect(attributeUsage(system.pool, partitions, usage)).rejects.toThrow('no');
  expect(await hourlySums(system.pool)).toEqual({ 'zeta/web api_calls': '2' });

  await system.pool.query('drop trigger refuse on usage_monthly');
  await attributeUsage(system.pool, partitions, usage);
  const three = '2999999999999999999999999999997';
  expect((await hourlySums(system.pool))['acme/web api_calls']).toBe(three);
  const { rows } = await system.pool.query('select sum from device_usage_daily');
  expect(rows).toEqual([{ sum: three }]);
});

test('a device’s share waits for the device, and does not count for the project again', async () => {
  await register('projects', 'web');
  const mqtt = await new Producer(system.pool, 'mqtt').open();
  await system.counts.apply([mqtt.counts([['acme', 'web', 'd1', 3, 300, 3, 0, 0, 0]])]);
  await system.counts.apply([mqtt.counts([['acme', 'web', 'd1', 4, 400, 4, 0, 0, 0]])]);
  const partitions = new MonthPartitions();
  const usage = new UsageWriter();
  expect(await attributeUsage(system.pool, partitions, usage)).toBe(0);

  await register('devices', 'd1');
  expect(await attributeUsage(system.pool, partitions, usage)).toBe(1);
  expect((await hourlySums(system.pool))['acme/web mqtt_inbound']).toBe('7');
  const { rows } = await system.pool.query('select sum::int, count::int from device_usage_daily');
  expect(rows).toEqual([{ sum: 7, count: 7 }]);
});
