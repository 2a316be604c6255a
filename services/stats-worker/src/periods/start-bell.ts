import { randomUUID } from 'node:crypto';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Component } from '@odometer/service-kit/component';

/** Rings once when a worker starts, as soon as Redis takes it: what was due while none was there is done then. */
export function startBell(queue: JobQueue<'periods'>): Component {
  const stopping = new AbortController();
  let rung: Promise<void> | undefined;
  return {
    name: 'start-bell',
    async start() {
      const options = { signal: stopping.signal };
      rung = enqueueUntilDurable(
        queue,
        'due',
        { bell: 'start' },
        `due.start.${randomUUID()}`,
        options,
      ).catch(() => {}); // Stopped before Redis took it: the next start rings again.
    },
    async stop() {
      stopping.abort();
      await rung;
    },
  };
}
