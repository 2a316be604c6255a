import { digestBigint, digestUuid } from './digest.ts';
import type { Owner } from './subject.ts';

/** A CloudEvent as ingest accepted it and as the worker applies it: validated, its owner read from its subject. */
export interface EventEnvelope extends Owner {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  /** RFC 3339, as given by the client; the time of receipt when the client gave none. */
  readonly time: string;
  /** Set when the server filled the time in: then it is no part of what the client meant. */
  readonly timeFilled?: true;
  /** JSON data as it came. */
  readonly data?: unknown;
  /** The other context attributes (`datacontenttype`, `dataschema`, extensions), when there are any. */
  readonly attributes?: Readonly<Record<string, unknown>>;
  /**
   * Made by a post-hoc metric: it feeds the meter that this metric owns, and no other, and may be negative. Ingest builds
   * envelopes field by field and never sets it.
   */
  readonly posthoc?: true;
  /** When the request arrived, milliseconds since the epoch. */
  readonly ingestedAtMs: number;
}

/** A claim of an event's key lives this long since it was last seen: a yearly retry, and a month to notice. */
export const EVENT_KEY_DAYS = 400;

/**
 * The identity under which an event is counted once: organization, source and id, length-prefixed so that no two
 * different triples share a text (`a-b`/`c` against `a`/`b-c`), as the first 16 bytes of a SHA-256 in UUID form. The time
 * is not part of it: a retry with another timestamp is still the same event.
 */
export function eventKey(organization: string, source: string, id: string): string {
  return digestUuid(`${organization.length}:${organization}${source.length}:${source}${id}`);
}

/**
 * A fingerprint of what the client meant: type, subject, instant as given, canonical data. Two events with one key and two
 * fingerprints are a conflict. How an instant is written is no part of it (`…00Z`, `…00.000Z`), nor whether data that is
 * not there is null. Extension attributes are left out: a retry may carry another `traceparent`.
 *
 * @returns a signed 64-bit integer as decimal text, for a bigint column.
 */
export function eventFingerprint(event: EventEnvelope): string {
  const time = event.timeFilled ? '' : String(Date.parse(event.time));
  const text = `${event.type.length}:${event.type}${event.subject.length}:${event.subject}${time.length}:${time}${canonicalJson(event.data ?? undefined)}`;
  return digestBigint(text);
}

/**
 * JSON with the keys of every object sorted, so that equal data has one text whatever order its keys came in. Data whose
 * keys are in order already, as a client that sends many events soon has them, is left to JSON.stringify.
 */
function canonicalJson(value: unknown): string {
  if (value === undefined) return '';
  return hasSortedKeys(value) ? JSON.stringify(value) : sortedJson(value);
}

function hasSortedKeys(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return true;
  if (Array.isArray(value)) return value.every(hasSortedKeys);
  let last = '';
  for (const [key, member] of Object.entries(value)) {
    if (key < last || !hasSortedKeys(member)) return false;
    last = key;
  }
  return true;
}

function sortedJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  const object = value as Readonly<Record<string, unknown>>;
  let text = '';
  for (const key of Object.keys(object).sort()) {
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${sortedJson(object[key])}`;
  }
  return `{${text}}`;
}
