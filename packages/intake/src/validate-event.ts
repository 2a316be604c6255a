import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { parseEventTime } from '@odometer/domain/event-time';
import { POSTHOC_SOURCE } from '@odometer/domain/posthoc/posthoc-event';
import type { Owner } from '@odometer/domain/subject';
import { isJson, parseMediaType } from '@odometer/service-kit/http/media-type';
import { BAD_TEXT, checkJson, isStorableText } from './check-json.ts';
import { OwnerCache } from './owner-cache.ts';
import { Refusal } from './refusal.ts';

/** Bounds that an operator sets. */
export interface EventBounds {
  /** How far ahead of our clock an event may be, milliseconds. */
  readonly maxFutureMs: number;
  /** How old an event may be, milliseconds. */
  readonly maxAgeMs: number;
  /** Length of an event as JSON text, bytes. */
  readonly maxEventBytes: number;
}

/** What the events of one request share. */
export interface RequestContext {
  /** The only organization the key may write for, or null when it may write for all. */
  readonly organization: string | null;
  /** Where a bare project belongs. */
  readonly defaultOrganization: string;
  /** When the request arrived. */
  readonly nowMs: number;
  /** See `ParsedJson.mayHoldBadText`. */
  readonly mayHoldBadText: boolean;
  /** Whether an event of the request may be longer than {@link EventBounds.maxEventBytes}. */
  readonly mayBeTooLarge: boolean;
}

/** CloudEvents sets no lengths. These hold every UUID, ARN and reverse DNS name, and keep a batch's size predictable. */
const MAX_ID_LENGTH = 512;
const MAX_SOURCE_LENGTH = 512;
const MAX_TYPE_LENGTH = 255;

const ATTRIBUTE_NAME = /^[a-z0-9]{1,64}$/;

const owners = new OwnerCache();

const NOT_AN_OBJECT = new Refusal('malformed', 'the event is not a JSON object');
const SPECVERSION = new Refusal('specversion', 'specversion must be "1.0"');
const ID = new Refusal('id', `id must be a string of 1 to ${MAX_ID_LENGTH} characters`);
const SOURCE = new Refusal(
  'source',
  `source must be a string of 1 to ${MAX_SOURCE_LENGTH} characters`,
);
const RESERVED_SOURCE = new Refusal(
  'source',
  `sources that begin with ${POSTHOC_SOURCE} are those of post-hoc metrics`,
);
const TYPE = new Refusal('type', `type must be a string of 1 to ${MAX_TYPE_LENGTH} characters`);
const SUBJECT = new Refusal(
  'subject',
  'subject must be a string: project, organization/project or organization/project/device',
);
const TIME = new Refusal('time', 'time is not an RFC 3339 date-time');
const FUTURE = new Refusal('time', 'time is too far in the future');
const PAST = new Refusal('time', 'time is too far in the past');
const DATA = new Refusal('data', 'data must be a JSON object');
const DATA_BASE64 = new Refusal('data', 'data_base64 is not supported; send JSON data');
const DATA_TYPE = new Refusal('data', 'datacontenttype must be a JSON media type');
const ATTRIBUTE = new Refusal(
  'attribute',
  'context attributes have names of 1 to 64 of a-z and 0-9, and are strings, booleans or 32-bit integers',
);
const FORBIDDEN = new Refusal(
  'forbidden',
  'this key may not write for the organization of the subject',
);

/**
 * Turns one decoded item into the envelope that the worker applies, or says why not. Everything that could fail further
 * down is refused here, while the client is still listening. Never throws.
 *
 * Written by hand because it runs for every event: a schema library costs several times the rest of the intake.
 */
export function validateEvent(
  item: unknown,
  bounds: EventBounds,
  context: RequestContext,
): EventEnvelope | Refusal {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return NOT_AN_OBJECT;
  const event = item as Readonly<Record<string, unknown>>;
  const { id, source, type, subject, data } = event;
  if (event.specversion !== '1.0') return SPECVERSION;
  if (!isText(id, MAX_ID_LENGTH)) return ID;
  if (!isText(source, MAX_SOURCE_LENGTH)) return SOURCE;
  if (source.startsWith(POSTHOC_SOURCE)) return RESERVED_SOURCE;
  if (!isText(type, MAX_TYPE_LENGTH)) return TYPE;
  if (typeof subject !== 'string') return SUBJECT;
  const { mayHoldBadText } = context;
  if (mayHoldBadText && !(isStorableText(id) && isStorableText(source) && isStorableText(type))) {
    return BAD_TEXT;
  }

  const owner = ownerOf(subject, context);
  if (owner instanceof Refusal) return owner;
  const time = event.time ?? undefined;
  if (time !== undefined) {
    const refusal = checkTime(time, bounds, context.nowMs);
    if (refusal !== undefined) return refusal;
  }
  if (data !== undefined && data !== null) {
    if (typeof data !== 'object' || Array.isArray(data)) return DATA;
    const refusal = checkJson(data, mayHoldBadText);
    if (refusal !== undefined) return refusal;
  }
  const attributes = otherAttributes(event, mayHoldBadText);
  if (attributes instanceof Refusal) return attributes;
  // Stringifying is safe by now: the depth is bounded.
  if (context.mayBeTooLarge && Buffer.byteLength(JSON.stringify(item)) > bounds.maxEventBytes) {
    return new Refusal('size', `the event is larger than ${bounds.maxEventBytes} bytes`);
  }

  const envelope: Writable<EventEnvelope> = {
    organization: owner.organization,
    project: owner.project,
    id,
    source,
    type,
    subject,
    time: time === undefined ? new Date(context.nowMs).toISOString() : (time as string),
    ingestedAtMs: context.nowMs,
  };
  if (owner.device !== undefined) envelope.device = owner.device;
  if (time === undefined) envelope.timeFilled = true;
  if (data !== undefined) envelope.data = data;
  if (attributes !== undefined) envelope.attributes = attributes;
  return envelope;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxLength;
}

function ownerOf(subject: string, context: RequestContext): Owner | Refusal {
  const owner = owners.read(subject, context.organization ?? context.defaultOrganization);
  if (owner instanceof Refusal) return owner;
  if (context.organization !== null && owner.organization !== context.organization)
    return FORBIDDEN;
  return owner;
}

function checkTime(time: unknown, bounds: EventBounds, nowMs: number): Refusal | undefined {
  const atMs = typeof time === 'string' ? parseEventTime(time) : undefined;
  if (atMs === undefined) return TIME;
  if (atMs > nowMs + bounds.maxFutureMs) return FUTURE;
  return atMs < nowMs - bounds.maxAgeMs ? PAST : undefined;
}

/** The context attributes that have no field of their own in the envelope. */
function otherAttributes(
  event: Readonly<Record<string, unknown>>,
  mayHoldBadText: boolean,
): Record<string, unknown> | undefined | Refusal {
  let attributes: Record<string, unknown> | undefined;
  for (const name in event) {
    switch (name) {
      case 'specversion':
      case 'id':
      case 'source':
      case 'type':
      case 'subject':
      case 'time':
      case 'data':
        continue;
      case 'data_base64':
        if (event.data_base64 === null) continue;
        return DATA_BASE64;
    }
    const value = event[name];
    // In CloudEvents' JSON form null means that the attribute is not there.
    if (value === null) continue;
    if (!ATTRIBUTE_NAME.test(name) || !isAttributeValue(value)) return ATTRIBUTE;
    if (typeof value === 'string' && mayHoldBadText && !isStorableText(value)) return BAD_TEXT;
    if (name === 'datacontenttype') {
      if (value === 'application/json') continue;
      if (typeof value !== 'string' || !isJson(parseMediaType(value))) return DATA_TYPE;
    }
    attributes ??= {};
    attributes[name] = value;
  }
  return attributes;
}

/** CloudEvents' Integer is 32 bits wide, for the same reason that large numbers are refused in data. */
function isAttributeValue(value: unknown): boolean {
  if (typeof value === 'number') return value === (value | 0);
  return typeof value === 'string' || typeof value === 'boolean';
}
