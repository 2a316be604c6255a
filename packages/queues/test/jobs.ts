import { eventually } from '@odometer/testing/eventually';
import type { Redis } from 'ioredis';
import type { CountBatch } from '../src/catalogue.ts';
import { JobQueue } from '../src/job-queue.ts';
import { createProducerRedis, waitUntilReady } from '../src/redis-connection.ts';

/** A flush of `messages` messages. */
export function countBatch(seq: number, messages = 1): CountBatch {
  return {
    source: 'counter',
    epoch: '7',
    seq,
    books: { received: messages, rejected: 0, accepted: messages },
    frozenAtMs: 0,
    mark: null,
    messages,
    hours: [],
  };
}

/** What tests of one file share: connections that are closed with `close`, a queue that is open. */
export class Connections {
  readonly #open: Redis[] = [];
  readonly #queues: { stop(): Promise<void> }[] = [];

  add(redis: Redis): Redis {
    this.#open.push(redis);
    return redis;
  }

  /** A queue of its own connection, ready. */
  async counts(url: string, commandTimeoutMs?: number): Promise<JobQueue<'counts'>> {
    const redis = this.add(
      createProducerRedis({ url, ...(commandTimeoutMs === undefined ? {} : { commandTimeoutMs }) }),
    );
    const queue = new JobQueue('counts', redis);
    this.#queues.push(queue);
    await waitUntilReady(redis);
    return queue;
  }

  async close(): Promise<void> {
    for (const queue of this.#queues) await queue.stop();
    for (const redis of this.#open) redis.disconnect();
  }
}

/** Removes everything, so that each test starts with an empty Redis; waits for it after an outage. */
export async function flush(queue: JobQueue<'counts'>): Promise<void> {
  await eventually(() => queue.run((redis) => redis.flushall()));
}

/** A log that keeps what it is told. */
export class MemoryLog {
  readonly lines: Readonly<Record<string, unknown>>[] = [];

  warn(fields: object): void {
    this.lines.push({ ...fields });
  }

  error(fields: object): void {
    this.lines.push({ ...fields });
  }

  events(): unknown[] {
    return this.lines.map(({ event }) => event);
  }
}
