import type { Pool } from '@odometer/database/pool';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { BatchProducer } from '@odometer/intake/batch-producer';
import { IntakeBooks } from '@odometer/intake/intake-books';
import { ProducerEpoch } from '@odometer/intake/producer-epoch';
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
  // Nothing is rejected here: what an answer has is an event, or no row of it is believed.
  const books = new IntakeBooks<never>([]);
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
    enqueue: async (events: readonly EventEnvelope[]): Promise<void> => {
      books.receive(events.length);
      await producer.add(events);
    },
  };
}
