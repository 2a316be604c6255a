import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { booksOf } from '../harness/compare.ts';
import { planEvents, planMessages } from '../harness/plan-load.ts';
import { postEvents } from '../harness/post-events.ts';
import { settle } from '../harness/settle.ts';
import { System } from '../harness/system.ts';

const CLI = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const MESSAGES = 3_000;
const EVENTS = 2_000;
let system: System;

beforeAll(async () => {
  system = await System.start();
}, 120_000);

afterAll(async () => {
  await system?.stop();
}, 120_000);

/** Publishes and posts one round, and waits until all is acknowledged. */
async function sendRound(seed: number, round: string): Promise<void> {
  const random = seededRandom(seed);
  for (const message of planMessages(random, MESSAGES)) {
    await eventually(() => system.publisher.publish(message, 400), { intervalMs: 1 });
  }
  await system.publisher.pause();
  system.publisher.resume();
  const problems = await postEvents(planEvents(random, EVENTS, round, Date.now()), {
    urls: system.ingestUrls,
    key: system.apiKey,
    oracle: system.oracle,
    clients: 4,
    isDue: () => true,
    deadlineMs: 60_000,
  });
  expect(problems).toEqual([]);
}

async function figures() {
  const { kinds, closed } = await booksOf(system);
  const of = (kind: string) => kinds.find((each) => each.kind === kind)?.figures;
  return { closed, events: of('events'), mqtt: of('mqtt') };
}

/** As `odometer books --json` is run by an operator. */
function runBooks() {
  const { status, stdout } = spawnSync(process.execPath, [CLI, 'books', '--json'], {
    env: { PATH: process.env.PATH, DATABASE_URL: system.postgres.url, REDIS_URL: system.redis.url },
    encoding: 'utf8',
  });
  return { status, books: JSON.parse(stdout) };
}

/** A hole is a loss when it is a minute old. Two minutes pass, for all that the books look at. */
async function letTimePass(): Promise<void> {
  await system.db.query(
    `update source_epochs set acknowledged_at = acknowledged_at - interval '2 minutes',
       sealed_at = sealed_at - interval '2 minutes', opened_at = opened_at - interval '2 minutes'`,
  );
  await system.db.query(
    `update applied_batches set applied_at = applied_at - interval '2 minutes'`,
  );
}

const [seed = 0] = seedsOfThisRun(1);

test(`what FLUSHALL takes between acknowledgement and apply is found, to the item (SEED=${seed})`, async () => {
  await sendRound(seed, 'kept');
  await settle(system);
  expect(runBooks()).toMatchObject({ status: 0, books: { closed: true } });

  for (const worker of system.workers) worker.process.signal('SIGSTOP');
  const before = await figures();
  const deliveredBefore = system.oracle.acknowledgedDeliveries;
  await sendRound(seed + 1, 'lost');
  const deliveries = BigInt(system.oracle.acknowledgedDeliveries - deliveredBefore);
  // Producers say about once a second how far they got; before that nobody could know of a loss at the very end.
  await eventually(
    async () => {
      const now = await figures();
      return (
        now.events?.accepted === (before.events?.accepted ?? 0n) + deliveries &&
        now.mqtt?.accepted === (before.mqtt?.accepted ?? 0n) + BigInt(MESSAGES)
      );
    },
    { deadlineMs: 20_000 },
  );
  const inFlight = await figures();
  expect(inFlight.closed).toBe(true);
  expect(inFlight.events?.in_flight).toBe(deliveries);
  expect(inFlight.mqtt?.in_flight).toBe(BigInt(MESSAGES));

  const [queue] = system.queues.values();
  await queue?.run((redis) => redis.flushall());
  for (const worker of system.workers) worker.process.signal('SIGCONT');

  const young = await figures();
  expect(young.closed).toBe(true);
  expect(young.events?.pending).toBe(deliveries);
  expect(young.mqtt?.pending).toBe(BigInt(MESSAGES));

  await letTimePass();
  const { status, books } = runBooks();
  expect(status).not.toBe(0);
  expect(books.closed).toBe(false);
  const lost = await figures();
  expect(lost.events?.lost).toBe(deliveries);
  expect(lost.mqtt?.lost).toBe(BigInt(MESSAGES));
}, 300_000);

test('and everything acknowledged after it is counted, by the same processes', async () => {
  const { rows } = await system.db.query<{ meters: string; n: string }>(
    `select case when meter_id in (1, 4) then 'messages' else 'events' end as meters, sum(count) as n
     from usage_monthly where meter_id in (1, 4) or meter_id > 6 group by 1`,
  );
  const before = new Map(rows.map(({ meters, n }) => [meters, Number(n)]));
  expect(before.get('messages')).toBe(MESSAGES);
  expect(before.get('events')).toBe(EVENTS);
  await sendRound(seed + 2, 'after');
  await eventually(
    async () => {
      const { rows: now } = await system.db.query<{ messages: string; events: string }>(
        `select sum(count) filter (where meter_id in (1, 4)) as messages,
           sum(count) filter (where meter_id > 6) as events from usage_monthly`,
      );
      return Number(now[0]?.messages) === 2 * MESSAGES && Number(now[0]?.events) === 2 * EVENTS;
    },
    { deadlineMs: 60_000 },
  );
  expect(system.unexpected).toEqual([]);
}, 300_000);
