import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import type { Backlog } from '@odometer/intake/backlog';
import type { IngestBooks } from '@odometer/intake/refusal';
import type { EventBatcher } from './event-batcher.ts';

/**
 * Hands validated events over, and keeps the books of those that could not be taken.
 *
 * @param sizeBytes of the events as JSON, roughly.
 * @returns a promise that resolves when all are durable.
 * @throws OdometerError `ingest_unavailable` (nothing was taken) or `events_not_confirmed` (they may become durable yet).
 */
export async function acceptEvents(
  {
    batcher,
    backlog,
    books,
  }: { batcher: EventBatcher; backlog: Backlog<'events'>; books: IngestBooks },
  events: readonly EventEnvelope[],
  sizeBytes: number,
): Promise<void> {
  if (events.length === 0) return;
  if (backlog.isOverLimit) {
    books.reject('unavailable', events.length);
    throw new OdometerError('ingest_unavailable', {
      reason: 'too many batches wait to be applied',
    });
  }
  try {
    await batcher.add(events, sizeBytes);
  } catch (error) {
    if (isOdometerError(error, 'ingest_unavailable')) books.reject('unavailable', events.length);
    throw error;
  }
}
