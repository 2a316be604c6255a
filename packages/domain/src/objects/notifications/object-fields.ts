import { parseEventTime } from '../../event-time.ts';
import type { RefusedReason } from './decoded-record.ts';

/** S3's limits, in bytes of UTF-8. */
const MAX_KEY_BYTES = 1024;
const MAX_VERSION_BYTES = 1024;
const MAX_BUCKET_LENGTH = 255;

/** Of what a refusal quotes: a sender may write anything at any length. */
const MAX_QUOTED_LENGTH = 100;

/** Thrown while a record is read, and caught where it began: the record is refused, its neighbours are not. */
export class NotBelieved extends Error {
  readonly reason: RefusedReason;

  constructor(reason: RefusedReason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** @returns an object's members; nothing of what is no object. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

/** For the detail of a refusal. */
export function quoted(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'a list' : 'an object';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > MAX_QUOTED_LENGTH ? `${text.slice(0, MAX_QUOTED_LENGTH - 1)}…` : text;
}

/** @throws NotBelieved */
export function bucketName(value: unknown): string {
  if (typeof value === 'string' && value.length <= MAX_BUCKET_LENGTH && isStorable(value)) {
    if (value !== '') return value;
  }
  throw new NotBelieved('bucket', `the bucket's name is ${quoted(value)}`);
}

/**
 * The key as listings have it. S3's own form escapes it as forms do: a space is `+`, the rest is percent-encoded UTF-8
 * (MinIO escapes `/` too). EventBridge and Ceph send it as it is, and to decode that would turn `a+b` into `a b`.
 *
 * @throws NotBelieved for an escape that is none, for what is longer than a key can be, and for what no database text can hold.
 */
export function objectKey(value: unknown, isEncoded: boolean): string {
  const key = isEncoded && typeof value === 'string' ? decoded(value) : value;
  if (typeof key !== 'string' || key === '') {
    throw new NotBelieved('key', `the key is ${quoted(value)}`);
  }
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new NotBelieved('key', `the key has more than ${MAX_KEY_BYTES} bytes`);
  }
  if (!isStorable(key)) {
    throw new NotBelieved('key', 'the key holds U+0000 or half of a surrogate pair');
  }
  return key;
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    throw new NotBelieved('key', `the key is badly escaped: ${quoted(key)}`);
  }
}

/** Stores write the null version as `null`, as a null, as nothing or not at all. @returns '' for it. @throws NotBelieved */
export function objectVersion(value: unknown): string {
  if (value === undefined || value === null || value === '' || value === 'null') return '';
  if (
    typeof value === 'string' &&
    Buffer.byteLength(value) <= MAX_VERSION_BYTES &&
    isStorable(value)
  ) {
    return value;
  }
  throw new NotBelieved('object_version', `the version is ${quoted(value)}`);
}

/**
 * JSON.parse rounds whole numbers beyond 2^53 - 1 without a word, so that none of them is believed.
 *
 * @throws NotBelieved
 */
export function objectSize(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new NotBelieved('size', `the size is ${quoted(value)}`);
}

/** @throws NotBelieved for what is no instant, or is before 1970. */
export function instant(value: unknown): number {
  const atMs = typeof value === 'string' ? parseEventTime(value) : undefined;
  if (atMs !== undefined && atMs >= 0) return atMs;
  throw new NotBelieved('time', `the time is ${quoted(value)}`);
}

/** A sequencer is only compared: what is no text is as good as none. */
export function sequencerText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed();
}
