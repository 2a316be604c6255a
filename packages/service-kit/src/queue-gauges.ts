import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';

/** One queue as it is now. */
interface QueueFigures {
  readonly queue: string;
  /** Jobs by state. */
  readonly depth: object;
  readonly oldestWaitingAgeSeconds: number;
}

/**
 * Declares the gauges of queues. Whoever declares them shows every queue, not only its own: a queue is watched while nobody
 * works on it.
 *
 * @param read is asked at each scrape. While it fails nothing of queues is shown, for old numbers would look like an idle
 *   system; all else still is.
 */
export function exposeQueues(
  registry: Registry,
  read: () => Promise<readonly QueueFigures[]>,
): void {
  let asked: Promise<readonly QueueFigures[]> | undefined;
  // Both gauges are collected at once, and show one reading: a gauge that the other one's reading sets is a scrape late.
  const readOnce = () => {
    asked ??= read()
      .catch(() => [])
      .finally(() => {
        asked = undefined;
      });
    return asked;
  };
  const jobs = new Gauge({
    name: 'odometer_queue_jobs',
    help: 'Jobs in Redis by queue and state: waiting, active, delayed (until their next attempt), failed (until they are kept as dead letters). Absent while Redis is away. Every worker and scheduler shows the same.',
    labelNames: ['queue', 'state'],
    registers: [registry],
    async collect() {
      const queues = await readOnce();
      jobs.reset();
      for (const { queue, depth } of queues) {
        for (const [state, count] of Object.entries(depth)) jobs.set({ queue, state }, count);
      }
    },
  });
  const oldestAge = new Gauge({
    name: 'odometer_queue_oldest_job_age_seconds',
    help: 'Age of the waiting job that is next; 0 when none waits. Absent while Redis is away. Every worker and scheduler shows the same.',
    labelNames: ['queue'],
    registers: [registry],
    async collect() {
      const queues = await readOnce();
      oldestAge.reset();
      for (const { queue, oldestWaitingAgeSeconds } of queues) {
        oldestAge.set({ queue }, oldestWaitingAgeSeconds);
      }
    },
  });
}
