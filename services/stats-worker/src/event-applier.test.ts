import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { DeadEvent } from '@odometer/queues/catalogue';
import { seededRandom } from '@odometer/testing/seeded-random';
import {
  event,
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
  producer = await new Producer(system.pool, 'events').open();
});
afterEach(() => system.close());

async function count(table: string): Promise<number> {
  const { rows } = await system.pool.query<{ n: number }>(
    `select count(*)::int as n from ${table}`,
  );
  return rows[0]?.n ?? -1;
}

describe('an event is counted once', () => {
  test('whichever of its batches comes first, and a batch that comes again contributes nothing', async () => {
    const batch = producer.events(event(), event({ data: { value: 2.5 } }));
    await system.events.apply([batch]);
    await system.events.apply([batch]);
    await system.worker().events.apply([batch]);
    expect(await hourlySums(system.pool)).toEqual({ 'acme/web api_calls': '3.5' });
    expect(await monthlySums(system.pool)).toEqual({ 'acme/web api_calls': '3.5' });
    expect(await outcomes(system.pool)).toEqual({ items: 2, counted: 2 });
    expect(await count('events')).toBe(2);
  });

  test('and stored as it was sent, a member named __proto__ included', async () => {
    const data = JSON.parse('{"value":2,"__proto__":{"value":7}}');
    await system.pool.query(
      `insert into meters (id, slug, kind, unit, event_type, aggregation, value_path, owner)
       values (nextval('meter_ids'), 'odd', 'counter', 'unit', 'api_calls', 'sum', '$.__proto__.value', 'events')`,
    );
    await system.pool.query('update meter_catalogue set version = version + 1');
    const worker = system.worker();
    // As it comes out of Redis.
    await worker.events.apply([JSON.parse(JSON.stringify(producer.events(event({ data }))))]);
    expect(await hourlySums(system.pool)).toEqual({
      'acme/web api_calls': '2',
      'acme/web odd': '7',
    });
    const { rows } = await system.pool.query('select data::text as data from events');
    expect(JSON.parse(rows[0]?.data)).toStrictEqual(data);
    expect(rows[0]?.data).toContain('"__proto__": {"value": 7}');
  });

  test('when its job lost its lock and ran again, so that the batch is twice in one group', async () => {
    const batch = producer.events(event(), event());
    await system.events.apply([batch, structuredClone(batch)]);
    expect(await hourlySums(system.pool)).toEqual({ 'acme/web api_calls': '2' });
    expect(await outcomes(system.pool)).toEqual({ items: 2, counted: 2 });
  });

  test('when a client sends it again, in the same batch or a later one', async () => {
    const once = event();
    await system.events.apply([producer.events(once, once), producer.events(once)]);
    await system.events.apply([producer.events(once)]);
    expect(await hourlySums(system.pool)).toEqual({ 'acme/web api_calls': '1' });
    expect(await outcomes(system.pool)).toEqual({ items: 4, counted: 1, duplicate: 3 });
    expect(await count('events')).toBe(1);
  });

  test('with another payload it is a conflict, kept once, and the first one counts', async () => {
    const first = event({ id: 'x', data: { value: 1 } });
    const other = event({ id: 'x', data: { value: 1000 } });
    await system.events.apply([producer.events(first, other)]);
    await system.events.apply([producer.events(other, first)]);
    expect(await hourlySums(system.pool)).toEqual({ 'acme/web api_calls': '1' });
    expect(await outcomes(system.pool)).toEqual({
      items: 4,
      counted: 1,
      conflicting: 2,
      duplicate: 1,
    });
    expect(await count('event_conflicts')).toBe(1);
  });

  test('with another time it is the same event', async () => {
    await system.events.apply([producer.events(event({ id: 'x', timeFilled: true }))]);
    const retry = event({ id: 'x', timeFilled: true, time: '2026-12-01T00:00:00Z' });
    await system.events.apply([producer.events(retry)]);
    expect(await outcomes(system.pool)).toEqual({ items: 2, counted: 1, duplicate: 1 });
  });

  test('by eight workers at once, with overlapping batches in shuffled order, without a deadlock', async () => {
    const random = seededRandom(7);
    const events = Array.from({ length: 400 }, () => event());
    const batches = Array.from({ length: 24 }, () => {
      return producer.events(...random.shuffle(events).slice(0, 200));
    });
    const sent = new Set(batches.flatMap((batch) => batch.events.map(({ id }) => id)));
    const workers = Array.from({ length: 8 }, () => system.worker());
    await Promise.all(
      workers.map(async (worker, i) => {
        for (let b = i; b < batches.length; b += workers.length) {
          const batch = batches[b];
          if (batch !== undefined) await worker.events.apply([batch]);
        }
      }),
    );
    expect(await hourlySums(system.pool)).toEqual({ 'acme/web api_calls': String(sent.size) });
    expect(await outcomes(system.pool)).toEqual({
      items: 4800,
      counted: sent.size,
      duplicate: 4800 - sent.size,
    });
    expect(system.applyCounts.conflictRetries).toBe(0);
  });
});

describe('what an event is worth', () => {
  test('decimals and numeric strings add up exactly, an absent value is 1', async () => {
    const events = [0.1, 0.2, '0.3', '9007199254740993'].map((value) => event({ data: { value } }));
    await system.events.apply([producer.events(...events, event({ data: {} }))]);
    expect(await hourlySums(system.pool)).toEqual({ 'acme/web api_calls': '9007199254740994.6' });
  });

  test('a value that is no quantity is the event’s own validation error', async () => {
    const bad = ['NaN', null, 'x', { a: 1 }, 1e200].map((value) => event({ data: { value } }));
    await system.events.apply([producer.events(...bad, event())]);
    expect(await hourlySums(system.pool)).toEqual({ 'acme/web api_calls': '1' });
    expect(await outcomes(system.pool)).toEqual({ items: 6, counted: 1, invalid: 5 });
    const { rows } = await system.pool.query(
      'select 1 from events where validation_error is not null',
    );
    expect(rows).toHaveLength(5);
  });

  test('an event of a type without a meter is stored and counted as unmetered', async () => {
    await system.events.apply([producer.events(event({ type: 'com.example.other' }))]);
    expect(await outcomes(system.pool)).toEqual({ items: 1, unmetered: 1 });
    expect(await count('events')).toBe(1);
  });

  test('it feeds every meter of its type, also one that was created while the catalogue was cached', async () => {
    await system.events.apply([producer.events(event({ data: { value: 5, bytes: 7 } }))]);
    await system.pool.query(
      `insert into meters (id, slug, kind, unit, event_type, value_path, owner)
       values (nextval('meter_ids'), 'api_bytes', 'counter', 'byte', 'api_calls', '$.bytes', 'events')`,
    );
    await system.pool.query('update meter_catalogue set version = version + 1');
    await system.events.apply([producer.events(event({ data: { value: 5, bytes: 7 } }))]);
    expect(await hourlySums(system.pool)).toEqual({
      'acme/web api_bytes': '7',
      'acme/web api_calls': '10',
    });
  });

  test('it counts in the UTC hour and month of its own time, an hour’s first instant included', async () => {
    const times = ['2026-10-31T23:59:59.999Z', '2026-11-01T00:00:00Z', '2026-11-01T01:00:00+02:00'];
    await system.events.apply([producer.events(...times.map((time) => event({ time })))]);
    const { rows } = await system.pool.query(
      `select to_char(hour at time zone 'UTC', 'YYYY-MM-DD HH24') as hour, sum::int from usage_hourly order by 1`,
    );
    expect(rows).toEqual([
      { hour: '2026-10-31 23', sum: 2 },
      { hour: '2026-11-01 00', sum: 1 },
    ]);
    const months = await system.pool.query<{ month: Date; sum: string }>(
      'select month, sum from usage_monthly order by 1',
    );
    expect(months.rows.map(({ month, sum }) => [month.toISOString(), sum])).toEqual([
      ['2026-10-01T00:00:00.000Z', '2'],
      ['2026-11-01T00:00:00.000Z', '1'],
    ]);
  });

  test('an event of last year finds its partition', async () => {
    await system.events.apply([producer.events(event({ time: '2025-12-03T00:00:00Z' }))]);
    expect(await hourlySums(system.pool)).toEqual({ 'acme/web api_calls': '1' });
  });

  test('its device is registered, active on that day and last seen at that minute', async () => {
    const device = { device: 'd1', subject: 'acme/web/d1' };
    await system.events.apply([producer.events(event({ ...device, data: { value: 3 } }))]);
    await system.events.apply([producer.events(event(device))]);
    const { rows } = await system.pool.query(
      `select d.slug, u.sum::int, u.count::int, (select count(*)::int from device_days) as days,
         d.last_seen_at = '2026-11-05 10:15Z' as seen
       from devices d join device_usage_daily u on u.device_id = d.id`,
    );
    expect(rows).toEqual([{ slug: 'd1', sum: 4, count: 2, days: 1, seen: true }]);
  });
});

describe('a poisonous event', () => {
  test('becomes a dead letter and takes none of its neighbours along', async () => {
    const poison = [
      event({ id: 'nul', data: { value: 1, text: 'a\u0000b' } }),
      event({ id: 'time', time: 'not a time' }),
      event({ id: 'nul-in-type', type: 'a\u0000' }),
    ];
    const good = Array.from({ length: 50 }, () =>
      event({ organization: 'other', subject: 'other/web' }),
    );
    const mixed = producer.events(...good.slice(0, 20), ...poison, ...good.slice(20));
    await system.events.apply([producer.events(event()), mixed]);
    await system.events.apply([mixed]);
    expect(await hourlySums(system.pool)).toEqual({
      'acme/web api_calls': '1',
      'other/web api_calls': '50',
    });
    expect(await outcomes(system.pool)).toEqual({ items: 54, counted: 51, dead: 3 });
    expect(await count('dead_letters')).toBe(3);
    const { rows } = await system.pool.query<{ payload: string }>(
      'select payload from dead_letters order by job_id',
    );
    const ids = rows.map(({ payload }) => (JSON.parse(payload) as DeadEvent).event.id);
    expect(ids.sort()).toEqual(['nul', 'nul-in-type', 'time']);
  });
});

describe('a dead event that is retried', () => {
  test('is counted once however often, and booked on its own batch, when its reason is mended', async () => {
    await system.events.apply([producer.events(event(), event({ data: { text: 'a\u0000b' } }))]);
    const { rows } = await system.pool.query<{ payload: string }>(
      'select payload from dead_letters',
    );
    const dead = JSON.parse(rows[0]?.payload ?? '') as DeadEvent;
    await expect(system.retry(dead)).rejects.toMatchObject({ code: 'event_still_poison' });
    expect(await outcomes(system.pool)).toEqual({ items: 2, counted: 1, dead: 1 });

    const mended = { ...dead, event: { ...dead.event, data: { text: 'ab' } } };
    await Promise.all([system.retry(mended), system.worker().retry(mended)]);
    await system.retry(mended);
    expect(await hourlySums(system.pool)).toEqual({ 'acme/web api_calls': '2' });
    expect(await outcomes(system.pool)).toEqual({ items: 2, counted: 2 });
    expect(await count('dead_letters')).toBe(0);
  });
});

describe('unknown names', () => {
  test('beyond the hourly cap their usage is kept unattributed, and nothing is lost', async () => {
    await system.close();
    system = await openAppliers({ maxProjectsPerHour: 2 });
    producer = await new Producer(system.pool, 'events').open();
    const names = ['a', 'b', 'c', 'd'];
    for (const project of names) {
      await system.events.apply([producer.events(event({ project, subject: `acme/${project}` }))]);
    }
    expect(await outcomes(system.pool)).toEqual({ items: 4, counted: 2, unattributed: 2 });
    expect(await count('unattributed_usage')).toBe(2);
    expect(await count('events where unattributed_to is not null')).toBe(2);
  });
});
