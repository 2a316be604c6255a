import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { batchJobId } from '@odometer/domain/batch';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { compare } from '../harness/compare.ts';
import { queueOf, waitingBatches } from '../harness/jobs.ts';
import type { PlannedEvent } from '../harness/oracle.ts';
import { planEvents, planMessages } from '../harness/plan-load.ts';
import { postOnce } from '../harness/post-events.ts';
import { settle } from '../harness/settle.ts';
import { System } from '../harness/system.ts';

const [seed = 0] = seedsOfThisRun(1);
const random = seededRandom(seed);
let system: System;
let conflicts = 0;

beforeAll(async () => {
  system = await System.start({ ingests: 2, workers: 2 });
}, 120_000);

afterAll(async () => {
  await system?.stop();
}, 120_000);

/** Distinct events that nobody has posted yet. */
function newEvents(count: number, name: string): readonly PlannedEvent[] {
  const all = planEvents(random, count, `${name}-${seed}`, Date.now()).flat();
  return [...new Map(all.map((event) => [event.id, event])).values()];
}

async function post(events: readonly PlannedEvent[], instance = 0): Promise<number | undefined> {
  system.oracle.attemptEvents(events);
  return postOnce(system.ingestUrls[instance] ?? '', system.apiKey, events);
}

async function expectExact(): Promise<void> {
  await settle(system);
  expect(await compare(system, { conflicts })).toEqual([]);
}

test(`an event that is twice in one batch counts once (SEED=${seed})`, async () => {
  const events = newEvents(50, 'twice');
  expect(await post([...events, ...events])).toBe(204);
  system.oracle.acknowledgeEvents(events);
  await expectExact();
}, 120_000);

test('an event that many clients send to two instances at the same instant counts once', async () => {
  const events = newEvents(50, 'instant');
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => post(random.shuffle(events), i % 2)),
  );
  expect(new Set(answers)).toEqual(new Set([204]));
  system.oracle.acknowledgeEvents(events);
  await expectExact();
}, 120_000);

test('the same id with another payload is answered 204, the first one counts, and one conflict is kept', async () => {
  const events = newEvents(20, 'conflict');
  expect(await post(events)).toBe(204);
  system.oracle.acknowledgeEvents(events);
  const changed = events.map((event) => ({
    ...event,
    json: { ...event.json, data: { value: 777_777 } },
  }));
  await settle(system);
  expect(await post(changed)).toBe(204);
  expect(await post(changed, 1)).toBe(204);
  conflicts += changed.length;
  await expectExact();
}, 120_000);

test('another time makes no other event: a retry with a new timestamp counts once, where the first one was', async () => {
  const events = newEvents(20, 'later');
  expect(await post(events)).toBe(204);
  system.oracle.acknowledgeEvents(events);
  const changed = events.map((event) => ({
    ...event,
    json: { ...event.json, time: new Date(event.timeMs - 3_600_000).toISOString() },
  }));
  await settle(system);
  expect(await post(changed)).toBe(204);
  conflicts += changed.length;
  await expectExact();
}, 120_000);

test('jobs that run again after they were applied count nothing', async () => {
  for (const worker of system.workers) worker.process.signal('SIGSTOP');
  const events = newEvents(200, 'again');
  expect(await post(events)).toBe(204);
  system.oracle.acknowledgeEvents(events);
  for (const message of planMessages(random, 300)) system.publisher.publish(message, 400);
  await system.publisher.pause();
  system.publisher.resume();
  const eventBatches = await waitingBatches(system, 'events');
  const countBatches = await waitingBatches(system, 'counts');
  expect(eventBatches.length).toBeGreaterThan(0);
  for (const worker of system.workers) worker.process.signal('SIGCONT');
  await expectExact();

  for (const batch of eventBatches) {
    await queueOf(system, 'events').add('event-batch', batch, batchJobId(batch));
  }
  for (const batch of countBatches) {
    await queueOf(system, 'counts').add('count-batch', batch, batchJobId(batch));
    // Beside it under another id, so that both may be applied by one transaction.
    await queueOf(system, 'counts').add('count-batch', batch, `${batchJobId(batch)}.again`);
  }
  await expectExact();
}, 120_000);
