import type { Pool } from '@odometer/database/pool';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { BatchProducer } from '@odometer/intake/batch-producer';
import { IntakeBooks } from '@odometer/intake/intake-books';
import { ProducerEpoch } from '@odometer/intake/producer-epoch';
import { REFUSAL_CODES, type RefusalCode } from '@odometer/intake/refusal';
import { sourceName } from '@odometer/intake/source-name';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Logger } from '@odometer/service-kit/logging';

/**
 * Puts events into the queue as ingest does: in numbered batches of a life of its own, which the books count. What was
 * enqueued by a life that was killed is enqueued again by the next, and counts once by the events' ids.
 */
export function openEventProducer(options: {
  readonly pool: Pool;
  readonly queue: JobQueue<'events'>;
  readonly instance: string;
  readonly onBug: (error: Error) => void;
  readonly log: Logger;
}) {
  const { pool, queue, instance, onBug, log } = options;
  // Only items of pulled logs are rejected: what an answer has is an event, or no row of it is believed.
  const books = new IntakeBooks(REFUSAL_CODES);
  // Not the instance's own name: on one machine an intake may have it.
  const source = sourceName(`posthoc-${instance}`);
  const epoch = new ProducerEpoch({ pool, source, kind: 'events', instance, books, log });
  const producer = new BatchProducer<EventEnvelope>({
    source,
    epoch: () => epoch.epoch,
    books,
    enqueue: ({ items, ...header }, jobId, signal) =>
      enqueueUntilDurable(queue, 'event-batch', { ...header, events: items }, jobId, { signal }),
    onBug,
  });
  return {
    epoch,
    producer,
    enqueue: async (
      events: readonly EventEnvelope[],
      rejected: Readonly<Partial<Record<RefusalCode, number>>> = {},
    ): Promise<void> => {
      books.receive(events.length);
      for (const [code, count] of Object.entries(rejected)) {
        books.receive(count);
        books.reject(code as RefusalCode, count);
      }
      await producer.add(events);
    },
  };
}
