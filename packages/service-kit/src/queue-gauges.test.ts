import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { exposeQueues } from './queue-gauges.ts';

const depth = { waiting: 3, active: 1, delayed: 0, failed: 0 };

test('shows depth and age of every queue as they are at the scrape', async () => {
  const registry = new Registry();
  const ages = [12, 0];
  exposeQueues(registry, async () => [
    { queue: 'events', depth, oldestWaitingAgeSeconds: ages.shift() ?? 0 },
  ]);
  const text = await registry.metrics();
  expect(text).toContain('odometer_queue_jobs{queue="events",state="waiting"} 3');
  expect(text).toContain('odometer_queue_oldest_job_age_seconds{queue="events"} 12');
  expect(await registry.metrics()).toContain('job_age_seconds{queue="events"} 0');
});

test('while Redis is away nothing is said of queues, and everything else still is', async () => {
  const registry = new Registry();
  let isAway = false;
  exposeQueues(registry, async () => {
    if (isAway) throw new Error('Redis is away');
    return [{ queue: 'events', depth, oldestWaitingAgeSeconds: 12 }];
  });
  expect(await registry.metrics()).toContain('queue="events"');
  isAway = true;
  expect(await registry.metrics()).not.toContain('queue="events"');
});
