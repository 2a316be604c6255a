import { type EventEnvelope, eventFingerprint, eventKey } from '@odometer/domain/event-envelope';
import { dayStart, hourStart, monthStart } from '@odometer/domain/period';
import type { Owner } from '@odometer/domain/subject';

/** Whose an event is and when it was: all that its usage is gathered by. */
export interface Occurrence {
  readonly event: Owner;
  readonly timeMs: number;
  readonly hourMs: number;
  readonly dayMs: number;
}

/** An event with everything worked out that needs no database. `place` is the caller's. */
export interface PreparedEvent<Place = unknown> extends Occurrence {
  readonly event: EventEnvelope;
  readonly place: Place;
  readonly key: string;
  readonly fingerprint: string;
  readonly monthMs: number;
}

/**
 * Prepares an event outside the transaction.
 *
 * @throws RangeError when it has no valid time: then it is poison, for ingest lets none through.
 */
export function prepareEvent<Place>(event: EventEnvelope, place: Place): PreparedEvent<Place> {
  const timeMs = Date.parse(event.time);
  if (Number.isNaN(timeMs)) throw new RangeError(`Invalid time value: ${String(event.time)}`);
  return {
    event,
    place,
    key: eventKey(event.organization, event.source, event.id),
    fingerprint: eventFingerprint(event),
    timeMs,
    hourMs: hourStart(timeMs),
    dayMs: dayStart(timeMs),
    monthMs: monthStart(timeMs),
  };
}
