import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { batchJobId } from '@odometer/domain/batch';
import { eventually } from '@odometer/testing/eventually';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { connectAsync } from 'mqtt';
import { CounterFixture, type TestCounter } from './counter.fixture.ts';

let fixture: CounterFixture;

beforeAll(async () => {
  fixture = await CounterFixture.start();
});
afterEach(async () => {
  await fixture.cleanUp();
});
afterAll(async () => {
  await fixture?.stop();
});

/** Until so many have come, and the broker waits for the mark's PUBACK only: what it still had would be lost with its session. */
const allDurable = ({ mqtt }: TestCounter, messages: number) =>
  eventually(() => mqtt.counter?.books.received === messages && mqtt.counter.unacknowledged === 1);

test('messages become durable counts of their owners, and the books close', async () => {
  const source = fixture.newSource();
  const counter = await fixture.liveCounter(source);
  await fixture.publish(`${source}/o/p/d/up`, 300);
  await fixture.publish(`${source}/o/p/d/cmd/x`, 20, 1, 'x'.repeat(6_000));
  await fixture.publish(`${source}/o/q/e`, 50, 0);
  await fixture.publish(`${source}/o//e`, 3);
  await eventually(async () => (await fixture.totals(source))['o/q/e'] === 50);
  await eventually(async () => (await fixture.totals(source))['o/p/d'] === 320);
  const books = counter.mqtt.counter?.books;
  expect(books).toEqual({ received: 373, accepted: 370, rejected: 3 });
  const batches = await fixture.durable(source);
  expect(batches.map(({ seq }) => seq)).toEqual(batches.map((_, index) => index + 1));
  expect(batches.at(-1)?.books).toEqual(books);
  const sum = (index: number): number =>
    batches
      .flatMap(({ hours }) => hours.flatMap(({ counts }) => counts))
      .filter(([, project]) => project === 'p')
      .reduce((total, count) => total + Number(count[index]), 0);
  const [up, down] = [`${source}/o/p/d/up`.length + 3, `${source}/o/p/d/cmd/x`.length + 6_000];
  expect([3, 4, 5, 6, 7, 8].map(sum)).toEqual([300, 300 * up, 300, 20, 20 * down, 40]);
  expect(await fixture.gaps(source)).toEqual([]);
});

test('after a clean stop only the mark comes again, and it is not counted', async () => {
  const source = fixture.newSource();
  const first = await fixture.liveCounter(source);
  await fixture.publish(`${source}/o/p/d/up`, 500);
  await eventually(() => first.mqtt.counter?.books.accepted === 500);
  await first.mqtt.stop();
  await fixture.publish(`${source}/o/p/d/up`, 7);
  const second = await fixture.liveCounter(source);
  await eventually(async () => (await fixture.totals(source))['o/p/d'] === 507);
  expect(second.mqtt.counter?.books).toEqual({ received: 8, accepted: 7, rejected: 1 });
  expect(await fixture.gaps(source)).toEqual([]);
});

describe('a counter that is frozen with messages in its memory', () => {
  test.each(seedsOfThisRun(3))(
    'is replaced without loss and without doubles (seed %d)',
    async (seed) => {
      const random = seededRandom(seed);
      const source = fixture.newSource();
      const total = 3_000;
      let current = await fixture.liveCounter(source);
      const frozen = [];
      const published = (async () => {
        for (let sent = 0; sent < total; sent += 100) {
          await fixture.publish(`${source}/o/p/d${sent % 7}/up`, 100);
        }
      })();
      for (let life = 0; life < 3; life += 1) {
        const { received } = current.mqtt.counter?.books ?? { received: 0 };
        const goal = received + random.integer(1, 600);
        await eventually(() => (current.mqtt.counter?.books.received ?? 0) >= goal, {
          deadlineMs: 1_000,
          intervalMs: 1,
        }).catch(() => undefined);
        current.freeze();
        frozen.push(current);
        current = await fixture.liveCounter(source);
        // Some wake up while their successor counts.
        if (random.next() < 0.5) frozen.at(-1)?.thaw();
      }
      await published;
      const expected: Record<string, number> = {};
      for (let sent = 0; sent < total; sent += 100) {
        const owner = `o/p/d${sent % 7}`;
        expected[owner] = (expected[owner] ?? 0) + 100;
      }
      await eventually(async () => {
        expect(await fixture.totals(source)).toEqual(expected);
      });
      for (const zombie of frozen) zombie.thaw();
      for (const zombie of frozen) await eventually(() => zombie.isTakenOver());
      expect(current.isTakenOver()).toBe(false);
      expect(await fixture.totals(source)).toEqual(expected);
      expect(await fixture.gaps(source)).toEqual([]);
      expect([current, ...frozen].flatMap(({ bugs }) => bugs)).toEqual([]);
    },
  );

  test('cannot flush any more when it wakes up: its flush is taken by a seal', async () => {
    const source = fixture.newSource();
    const zombie = await fixture.liveCounter(source);
    await fixture.publish(`${source}/o/p/d/up`, 10);
    // What is applied the counter itself may not know yet.
    await eventually(() => zombie.flushed.reduce((sum, batch) => sum + batch.messages, 0) === 10);
    const seq = zombie.flushed.length + 1;
    const epoch = zombie.flushed[0]?.epoch ?? '';
    zombie.redis.refuse();
    await fixture.publish(`${source}/o/p/d/up`, 1_000);
    await eventually(() => zombie.retries() > 0);
    zombie.freeze();
    const successor = await fixture.liveCounter(source);
    await eventually(async () => (await fixture.totals(source))['o/p/d'] === 1_010);
    zombie.redis.pass();
    await eventually(() => zombie.flushed.length >= seq);
    const job = await fixture.queue.get(batchJobId({ source, epoch, seq }));
    expect(job?.name).toBe('seal');
    expect(await fixture.totals(source)).toEqual({ 'o/p/d': 1_010 });
    zombie.thaw();
    await eventually(() => zombie.isTakenOver());
    expect(successor.mqtt.isLive).toBe(true);
  });
});

test.each(seedsOfThisRun(3))(
  'connections that are cut under load lose nothing (seed %d)',
  async (seed) => {
    const random = seededRandom(seed);
    const source = fixture.newSource();
    const counter = await fixture.liveCounter(source);
    let done = false;
    const cuts = (async () => {
      while (!done) {
        await new Promise((resolve) => setTimeout(resolve, random.integer(5, 150)));
        counter.broker.refuse();
        if (random.next() < 0.5) counter.redis.refuse();
        await new Promise((resolve) => setTimeout(resolve, random.integer(0, 60)));
        counter.broker.pass();
        counter.redis.pass();
      }
    })();
    for (let sent = 0; sent < 5_000; sent += 100) await fixture.publish(`${source}/o/p/d/up`, 100);
    done = true;
    await cuts;
    await eventually(async () => (await fixture.totals(source))['o/p/d'] === 5_000);
    await eventually(() => counter.mqtt.isLive);
    expect(await fixture.gaps(source)).toEqual([]);
    const { received, accepted, rejected } = counter.mqtt.counter?.books ?? {};
    expect(accepted).toBe(5_000);
    expect(received).toBe(5_000 + (rejected ?? 0));
  },
);

test('a backlog larger than all packet ids is counted exactly, through freezes and cuts', async () => {
  const source = fixture.newSource();
  const first = await fixture.liveCounter(source);
  await fixture.publish(`${source}/o/p/d/up`, 100);
  await allDurable(first, 100);
  first.freeze();
  const backlog = 160_000;
  await fixture.publishRaw(`${source}/o/p/d/up`, backlog);
  const second = await fixture.liveCounter(source);
  await eventually(() => (second.mqtt.counter?.books.accepted ?? 0) > 40_000, { intervalMs: 1 });
  second.broker.refuse();
  second.broker.pass();
  await eventually(() => (second.mqtt.counter?.books.accepted ?? 0) > 80_000, { intervalMs: 1 });
  second.freeze();
  await fixture.liveCounter(source);
  await eventually(
    async () => {
      expect(await fixture.totals(source)).toEqual({ 'o/p/d': backlog + 100 });
    },
    { deadlineMs: 60_000, intervalMs: 500 },
  );
  expect(await fixture.gaps(source)).toEqual([]);
}, 120_000);

describe('without Redis', () => {
  test('counting goes on, PUBACKs wait, and the same flush is tried until it is durable', async () => {
    const source = fixture.newSource();
    const counter = await fixture.liveCounter(source);
    counter.redis.refuse();
    await fixture.publish(`${source}/o/p/d/up`, 1_000);
    await fixture.publish(`${source}/o/p/d/up`, 1_000, 0);
    await eventually(() => counter.mqtt.counter?.books.accepted === 2_000);
    await eventually(() => counter.retries() >= 3);
    expect(counter.mqtt.counter?.unacknowledged).toBe(1_000);
    expect(counter.mqtt.isLive).toBe(true);
    counter.redis.pass();
    await eventually(async () => (await fixture.totals(source))['o/p/d'] === 2_000);
    await eventually(() => counter.mqtt.counter?.unacknowledged === 1);
  });

  test('a reply that was lost counts once', async () => {
    const source = fixture.newSource();
    const counter = await fixture.liveCounter(source);
    counter.redis.dropReplies({ match: (request) => request.includes('count-batch'), times: 3 });
    await fixture.publish(`${source}/o/p/d/up`, 100);
    await eventually(() => counter.redis.dropped === 3);
    await eventually(async () => (await fixture.totals(source))['o/p/d'] === 100);
    await eventually(() => counter.mqtt.counter?.unacknowledged === 1);
    expect(await fixture.totals(source)).toEqual({ 'o/p/d': 100 });
  });
});

test('without Postgres a counter that runs goes on counting', async () => {
  const source = fixture.newSource();
  const counter = await fixture.liveCounter(source);
  counter.postgres.refuse();
  await fixture.publish(`${source}/o/p/d/up`, 100);
  await eventually(async () => (await fixture.totals(source))['o/p/d'] === 100);
  await expect(counter.mqtt.acknowledge()).rejects.toThrow();
  counter.postgres.pass();
  await eventually(() => counter.mqtt.acknowledge());
  const { rows } = await fixture.pool.query(
    'select acknowledged_seq, accepted from source_epochs where source = $1',
    [source],
  );
  expect(rows).toEqual([{ acknowledged_seq: String(counter.flushed.length), accepted: '100' }]);
});

describe('a gap is recorded', () => {
  test('when the broker forgot the session, once, and counting goes on', async () => {
    const source = fixture.newSource();
    const counter = await fixture.liveCounter(source);
    await fixture.publish(`${source}/o/p/d/up`, 100);
    await allDurable(counter, 100);
    counter.broker.refuse();
    const eraser = await connectAsync(fixture.broker.url, { clientId: source, clean: true });
    await eraser.endAsync();
    counter.broker.pass();
    await eventually(() => counter.mqtt.isLive);
    // As many as the first time: packet ids start again, and meet the old mark's.
    await fixture.publish(`${source}/o/p/d/up`, 150);
    await eventually(async () => (await fixture.totals(source))['o/p/d'] === 250);
    expect(await fixture.gaps(source)).toEqual(['session_lost']);
  });

  test('when a new process finds the session gone, but not at the very first start', async () => {
    const source = fixture.newSource();
    const first = await fixture.liveCounter(source);
    await fixture.publish(`${source}/o/p/d/up`, 100);
    await allDurable(first, 100);
    first.freeze();
    const eraser = await connectAsync(fixture.broker.url, { clientId: source, clean: true });
    await eraser.endAsync();
    expect(await fixture.gaps(source)).toEqual([]);
    await fixture.liveCounter(source);
    await fixture.publish(`${source}/o/p/d/up`, 150);
    await eventually(async () => (await fixture.totals(source))['o/p/d'] === 250);
    expect(await fixture.gaps(source)).toEqual(['session_lost']);
  });

  test('when the mark does not come; nothing is subscribed before that is known', async () => {
    const source = fixture.newSource();
    const first = await fixture.liveCounter(source);
    await fixture.publish(`${source}/o/p/d/up`, 100);
    await allDurable(first, 100);
    first.freeze();
    // As if a counter had died between a CONNECT that made a new session and its first durable word.
    const eraser = await connectAsync(fixture.broker.url, { clientId: source, clean: true });
    await eraser.endAsync();
    const other = await connectAsync(fixture.broker.url, {
      clientId: source,
      clean: false,
      protocolVersion: 5,
      properties: { sessionExpiryInterval: 600 },
    });
    await other.endAsync();
    await fixture.liveCounter(source);
    await fixture.publish(`${source}/o/p/d/up`, 150);
    await eventually(async () => (await fixture.totals(source))['o/p/d'] === 250);
    expect(await fixture.gaps(source)).toEqual(['mark_missing']);
  });
});

test('a filter of former days is unsubscribed', async () => {
  const source = fixture.newSource();
  const first = await fixture.liveCounter(source);
  await fixture.publish(`${source}/a/p/d/up`, 10);
  await eventually(async () => (await fixture.totals(source))['a/p/d'] === 10);
  await first.mqtt.stop();
  const second = await fixture.liveCounter(source, { filter: `${source}/b/+/+/#` });
  await fixture.publish(`${source}/a/p/d/up`, 10);
  await fixture.publish(`${source}/b/p/d/up`, 10);
  await eventually(async () => (await fixture.totals(source))['b/p/d'] === 10);
  expect(await fixture.totals(source)).toEqual({ 'a/p/d': 10, 'b/p/d': 10 });
  expect(second.mqtt.counter?.books.accepted).toBe(10);
});
