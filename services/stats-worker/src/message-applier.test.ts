import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  hourlySums,
  message,
  monthlySums,
  openAppliers,
  outcomes,
  Producer,
} from '../test/applier-fixture.ts';
import { attributeUsage } from './attribute-usage.ts';

let system: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;

beforeEach(async () => {
  system = await openAppliers();
  producer = await new Producer(system.pool, 'mqtt').open();
});
afterEach(() => system.close());

const HOUR_MS = 3_600_000;

async function inbound(): Promise<string | undefined> {
  return (await hourlySums(system.pool))['acme/fleet mqtt_inbound'];
}

test('messages count as a flush’s do: messages, bytes and 5 KB units by direction, in the hour of arrival and the live month', async () => {
  await system.messages.apply([
    producer.messages(
      message({ sizeBytes: 5_121 }),
      message({ sizeBytes: 5_120 }),
      message({ outbound: true, sizeBytes: 50 }),
    ),
  ]);
  const sums = {
    'acme/fleet mqtt_inbound': '2',
    'acme/fleet mqtt_inbound_bytes': '10241',
    'acme/fleet mqtt_inbound_units': '3',
    'acme/fleet mqtt_outbound': '1',
    'acme/fleet mqtt_outbound_bytes': '50',
    'acme/fleet mqtt_outbound_units': '1',
  };
  expect(await hourlySums(system.pool)).toEqual(sums);
  expect(await monthlySums(system.pool)).toEqual(sums);
  expect(await outcomes(system.pool)).toEqual({ items: 3, counted: 3 });
  const { rows } = await system.pool.query(
    `select d.slug, m.slug as meter, u.sum::int from device_usage_daily u
     join devices d on d.id = u.device_id join meters m on m.id = u.meter_id order by 2`,
  );
  expect(rows).toEqual([
    { slug: 'd1', meter: 'mqtt_inbound', sum: 2 },
    { slug: 'd1', meter: 'mqtt_outbound', sum: 1 },
  ]);
});

describe('a message that comes again counts once', () => {
  test('within a batch, across batches of a group, and days later in another epoch and hour', async () => {
    const first = message();
    const second = message();
    await system.messages.apply([
      producer.messages(first, first, second),
      producer.messages(second, first),
    ]);
    const later = await new Producer(system.pool, 'mqtt').open();
    const again = { ...first, atMs: first.atMs + 80 * HOUR_MS };
    await system.worker().messages.apply([later.messages(again, message())]);
    expect(await inbound()).toBe('3');
    expect(await outcomes(system.pool)).toEqual({ items: 7, counted: 3, duplicate: 4 });
    const { rows } = await system.pool.query(
      'select hour, sum::int from usage_hourly where meter_id = 1 order by hour',
    );
    expect(rows.map(({ sum }) => sum)).toEqual([3]);
  });

  test('in a batch that is applied twice, alone, in one group and by two workers at once', async () => {
    const batch = producer.messages(message(), message());
    await system.messages.apply([batch, structuredClone(batch)]);
    await Promise.all([
      system.messages.apply([batch]),
      system.worker().messages.apply([batch, producer.messages(message())]),
    ]);
    expect(await inbound()).toBe('3');
    expect(await outcomes(system.pool)).toEqual({ items: 3, counted: 3 });
  });

  test('whichever of several workers has it, with their neighbours in any order', async () => {
    const messages = Array.from({ length: 200 }, () => message());
    const others = await new Producer(system.pool, 'mqtt').open();
    await Promise.all([
      system.messages.apply([producer.messages(...messages)]),
      system.worker().messages.apply([others.messages(...messages.toReversed())]),
      system.worker().messages.apply([others.messages(...messages.slice(50, 150))]),
    ]);
    expect(await inbound()).toBe('200');
    expect(await outcomes(system.pool)).toEqual({ items: 500, counted: 200, duplicate: 300 });
  });
});

test('one id with other content is a conflict: kept aside once, and never counted', async () => {
  const honest = message();
  const other = message({ id: honest.id, sizeBytes: 101 });
  await system.messages.apply([producer.messages(honest, other)]);
  await system.messages.apply([producer.messages(other)]);
  expect(await inbound()).toBe('1');
  expect(await outcomes(system.pool)).toEqual({ items: 3, counted: 1, conflicting: 2 });
  const { rows } = await system.pool.query(
    `select organization, source, event_id, event->>'sizeBytes' as size from event_conflicts`,
  );
  expect(rows).toEqual([
    { organization: 'acme', source: 'aws-iot', event_id: honest.id, size: '101' },
  ]);
});

test('an id belongs to its organization, and neither an event nor another origin takes it', async () => {
  const one = message({ id: 'same' });
  const foreign = message({ id: 'same', organization: 'zeta' });
  const elsewhere = { ...producer.messages(message({ id: 'same' })), origin: 'elsewhere' };
  await system.messages.apply([producer.messages(one, foreign), elsewhere]);
  expect(await outcomes(system.pool)).toEqual({ items: 3, counted: 3 });
});

test('a batch that holds nothing new is applied, and books its duplicates', async () => {
  const one = message();
  await system.messages.apply([producer.messages(one)]);
  await system.messages.apply([producer.messages(one, one)]);
  expect(await outcomes(system.pool)).toEqual({ items: 3, counted: 1, duplicate: 2 });
});

test('unknown projects beyond the cap are kept, claimed, and counted once when they are registered', async () => {
  await system.close();
  system = await openAppliers({ autoProvision: false });
  producer = await new Producer(system.pool, 'mqtt').open();
  const messages = [message(), message({ outbound: true, sizeBytes: 6_000 }), message()];
  await system.messages.apply([producer.messages(...messages)]);
  await system.messages.apply([producer.messages(...messages.slice(0, 2), message())]);
  expect(await hourlySums(system.pool)).toEqual({});
  expect(await outcomes(system.pool)).toEqual({ items: 6, duplicate: 2, unattributed: 4 });
  await system.pool.query(
    `with o as (insert into organizations (slug) values ('acme') returning id)
     insert into projects (organization_id, slug) select id, 'fleet' from o`,
  );
  const { pool, partitions, usage } = system.parts;
  await attributeUsage(pool, partitions, usage);
  await system.messages.apply([producer.messages(...messages)]);
  expect(await hourlySums(system.pool)).toEqual({
    'acme/fleet mqtt_inbound': '3',
    'acme/fleet mqtt_inbound_bytes': '300',
    'acme/fleet mqtt_inbound_units': '3',
    'acme/fleet mqtt_outbound': '1',
    'acme/fleet mqtt_outbound_bytes': '6000',
    'acme/fleet mqtt_outbound_units': '2',
  });
  expect(await outcomes(system.pool)).toEqual({ items: 9, duplicate: 5, unattributed: 4 });
});
