import { type EventEnvelope, eventFingerprint, eventKey } from '@odometer/domain/event-envelope';
import { dayStart, hourStart, monthStart, toTimestamp } from '@odometer/domain/period';

/** An event with everything worked out that needs no database. */
export interface PreparedEvent {
  readonly event: EventEnvelope;
  readonly key: string;
  readonly fingerprint: string;
  readonly timeMs: number;
  readonly time: string;
  readonly hourMs: number;
  readonly dayMs: number;
  readonly monthMs: number;
}

/**
 * Prepares an event outside the transaction.
 *
 * @throws RangeError when it has no valid time: then it is poison, for ingest lets none through.
 */
export function prepareEvent(event: EventEnvelope): PreparedEvent {
  const timeMs = Date.parse(event.time);
  return {
    event,
    key: eventKey(event.organization, event.source, event.id),
    fingerprint: eventFingerprint(event),
    timeMs,
    time: toTimestamp(timeMs),
    hourMs: hourStart(timeMs),
    dayMs: dayStart(timeMs),
    monthMs: monthStart(timeMs),
  };
}
