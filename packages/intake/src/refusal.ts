import type { IntakeBooks } from './intake-books.ts';

/**
 * Why an event, or a whole request, was not accepted: a closed set, because it labels a metric.
 *
 * - `malformed`: the body could not be read as events at all (one item in the books, as nobody knows how many it held).
 * - `content_type`, `too_large`, `too_many_events`: the request is out of bounds.
 * - `id` … `size`: what is wrong with the event.
 * - `forbidden`: the key may not write for the event's organization.
 * - `request_refused`: a good event of an all-or-nothing request in which another one was refused.
 * - `unmapped`: a webhook's record from which no event could be made.
 * - `unavailable`: durable storage is away, full or behind; the same request may succeed later.
 */
export const REFUSAL_CODES = [
  'malformed',
  'content_type',
  'too_large',
  'too_many_events',
  'specversion',
  'id',
  'source',
  'type',
  'subject',
  'time',
  'data',
  'attribute',
  'text',
  'number',
  'depth',
  'size',
  'forbidden',
  'request_refused',
  'unmapped',
  'unavailable',
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

export type IngestBooks = IntakeBooks<RefusalCode>;

/** A refusal is a value, not an exception: it is an ordinary outcome, and a thousand may come with one request. */
export class Refusal {
  readonly code: RefusalCode;
  /** A sentence for the client. Holds no text of the client's, so that its size is bounded. */
  readonly reason: string;

  constructor(code: RefusalCode, reason: string) {
    this.code = code;
    this.reason = reason;
  }
}
