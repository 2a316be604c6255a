import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sealEpoch } from '@odometer/database/sources';
import type { MessageCount } from '@odometer/queues/catalogue';
import {
  hourlySums,
  monthlySums,
  openAppliers,
  outcomes,
  Producer,
} from '../test/applier-fixture.ts';

let system: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;

beforeEach(async () => {
  system = await openAppliers();
  producer = await new Producer(system.pool, 'mqtt').open();
});
afterEach(() => system.close());

const inbound = (device: string, messages: number, project = 'fleet'): MessageCount => [
  'acme',
  project,
  device,
  messages,
  messages * 100,
  messages,
  0,
  0,
  0,
];
const BOTH: MessageCount = ['acme', 'fleet', 'd1', 2, 11_000, 4, 1, 50, 1];

test('messages, bytes and units are counted per project and direction, in hours and in the live month', async () => {
  await system.counts.apply([producer.counts([BOTH, inbound('d2', 3)])]);
  const sums = {
    'acme/fleet mqtt_inbound': '5',
    'acme/fleet mqtt_inbound_bytes': '11300',
    'acme/fleet mqtt_inbound_units': '7',
    'acme/fleet mqtt_outbound': '1',
    'acme/fleet mqtt_outbound_bytes': '50',
    'acme/fleet mqtt_outbound_units': '1',
  };
  expect(await hourlySums(system.pool)).toEqual(sums);
  expect(await monthlySums(system.pool)).toEqual(sums);
  expect(await outcomes(system.pool)).toEqual({ items: 6, counted: 6 });
});

test('a flush that comes again contributes nothing, alone or among new ones', async () => {
  const first = producer.counts([inbound('d1', 1)]);
  const second = producer.counts([inbound('d1', 10)]);
  await system.counts.apply([first]);
  await system.counts.apply([first, second]);
  await Promise.all([
    system.worker().counts.apply([second]),
    system.worker().counts.apply([first, second]),
  ]);
  expect((await hourlySums(system.pool))['acme/fleet mqtt_inbound']).toBe('11');
  expect(await outcomes(system.pool)).toEqual({ items: 11, counted: 11 });
});

test('a flush that is twice in one group, because its job lost its lock and ran again, counts once', async () => {
  const flush = producer.counts([inbound('d1', 5)]);
  await system.counts.apply([flush, structuredClone(flush)]);
  expect((await hourlySums(system.pool))['acme/fleet mqtt_inbound']).toBe('5');
  expect(await outcomes(system.pool)).toEqual({ items: 5, counted: 5 });
});

test('each device’s messages per day are kept, with its days and its last-seen minute', async () => {
  await system.counts.apply([producer.counts([BOTH, inbound('d2', 3)])]);
  await system.counts.apply([producer.counts([inbound('d2', 4)])]);
  const { rows } = await system.pool.query(
    `select d.slug, m.slug as meter, u.sum::int from device_usage_daily u
     join devices d on d.id = u.device_id join meters m on m.id = u.meter_id order by 1, 2`,
  );
  expect(rows).toEqual([
    { slug: 'd1', meter: 'mqtt_inbound', sum: 2 },
    { slug: 'd1', meter: 'mqtt_outbound', sum: 1 },
    { slug: 'd2', meter: 'mqtt_inbound', sum: 7 },
  ]);
  const days = await system.pool.query('select 1 from device_days');
  expect(days.rows).toHaveLength(2);
  const seen = await system.pool.query(
    `select 1 from devices where last_seen_at = '2026-11-05 10:15Z'`,
  );
  expect(seen.rows).toHaveLength(2);
});

test('a flush without a device counts for its project only', async () => {
  await system.counts.apply([producer.counts([inbound('', 3)])]);
  expect((await hourlySums(system.pool))['acme/fleet mqtt_inbound']).toBe('3');
  expect((await system.pool.query('select 1 from devices')).rows).toHaveLength(0);
});

describe('the mark', () => {
  const stored = async () => {
    const { rows } = await system.pool.query<{ mark: number | null; mark_seq: string }>(
      'select mark, mark_seq from source_epochs where epoch = $1',
      [producer.epoch],
    );
    return [rows[0]?.mark, rows[0]?.mark_seq];
  };

  test('is the one of the highest applied flush, whatever order they come in', async () => {
    const [first, second, third] = [1, 2, 3].map((n) => producer.counts([inbound('d', 1)], n * 10));
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('no flush');
    await system.counts.apply([third]);
    expect(await stored()).toEqual([30, '3']);
    await system.counts.apply([second, first]);
    expect(await stored()).toEqual([30, '3']);
  });
});

describe('a sealed epoch', () => {
  test('applies what was enqueued before the seal and nothing beyond it', async () => {
    const before = producer.counts([inbound('d', 1)], 5);
    const zombie = producer.counts([inbound('d', 100)], 6);
    await sealEpoch(system.pool, producer.epoch, 1);
    await system.counts.apply([before, zombie]);
    expect((await hourlySums(system.pool))['acme/fleet mqtt_inbound']).toBe('1');
    expect(await outcomes(system.pool)).toEqual({ items: 1, counted: 1 });
    expect(await sealEpoch(system.pool, producer.epoch, 1)).toEqual({
      sealedSeq: 1,
      mark: 5,
      markSeq: 1,
    });
  });

  test('ends at the highest flush that was applied, if that slipped in before the seal', async () => {
    await system.counts.apply([producer.counts([inbound('d', 1)], 5)]);
    await system.counts.apply([producer.counts([inbound('d', 1)], 6)]);
    expect(await sealEpoch(system.pool, producer.epoch, 0)).toEqual({
      sealedSeq: 2,
      mark: 6,
      markSeq: 2,
    });
    expect(await sealEpoch(system.pool, producer.epoch, 7)).toEqual({
      sealedSeq: 2,
      mark: 6,
      markSeq: 2,
    });
  });
});

describe('unknown names', () => {
  test('are not created when discovery is off; their messages are kept, and the batch says so', async () => {
    await system.close();
    system = await openAppliers({ autoProvision: false });
    producer = await new Producer(system.pool, 'mqtt').open();
    await system.counts.apply([producer.counts([BOTH])]);
    await system.counts.apply([producer.counts([BOTH])]);
    expect(await hourlySums(system.pool)).toEqual({});
    expect(await outcomes(system.pool)).toEqual({ items: 6, unattributed: 6 });
    const { rows } = await system.pool.query(
      `select meter_id, sum::int, min from unattributed_usage where device = '' order by 1`,
    );
    expect(rows).toEqual([
      { meter_id: 1, sum: 4, min: null },
      { meter_id: 2, sum: 22_000, min: null },
      { meter_id: 3, sum: 8, min: null },
      { meter_id: 4, sum: 2, min: null },
      { meter_id: 5, sum: 100, min: null },
      { meter_id: 6, sum: 2, min: null },
    ]);
  });

  test('a device beyond the cap: its project is counted, its own share is kept', async () => {
    await system.close();
    system = await openAppliers({ maxDevicesPerHour: 1 });
    producer = await new Producer(system.pool, 'mqtt').open();
    await system.counts.apply([producer.counts([inbound('d1', 1), inbound('d2', 2)])]);
    expect((await hourlySums(system.pool))['acme/fleet mqtt_inbound']).toBe('3');
    const { rows } = await system.pool.query(
      'select device, sum::int, count::int from unattributed_usage',
    );
    expect(rows).toEqual([{ device: 'd2', sum: 2, count: 2 }]);
  });
});
