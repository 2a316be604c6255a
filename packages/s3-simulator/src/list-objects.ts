import { compareKeys } from '@odometer/domain/objects/key-order';
import type { SimulatedBucket } from './simulated-bucket.ts';
import type { StoredVersion } from './stored-version.ts';

export interface ListObjectsRequest {
  /** @default '' */
  readonly prefix?: string;
  /** Keys after this one, exclusive. Ignored when a token says where to go on. */
  readonly startAfter?: string;
  readonly continuationToken?: string;
  /** @default 1000, which is also the most */
  readonly maxKeys?: number;
}

export interface ObjectsPage {
  /** Current versions; a key whose newest version is a delete marker is not among them. */
  readonly contents: readonly StoredVersion[];
  readonly isTruncated: boolean;
  readonly nextContinuationToken?: string;
}

/** What all listings have at most on a page. */
export const MAX_PAGE = 1000;

/** A page of ListObjectsV2. @throws RangeError for a token that no page gave. */
export function listObjects(bucket: SimulatedBucket, request: ListObjectsRequest): ObjectsPage {
  const { prefix = '', startAfter, continuationToken } = request;
  const maxKeys = Math.min(request.maxKeys ?? MAX_PAGE, MAX_PAGE);
  const after = continuationToken === undefined ? startAfter : keyOfToken(continuationToken);
  const contents: StoredVersion[] = [];
  if (maxKeys === 0) return { contents, isTruncated: false };
  for (const key of keysAfter(bucket, prefix, after)) {
    const current = bucket.current(key);
    if (current === undefined) continue;
    const last = contents.at(-1);
    if (contents.length === maxKeys && last !== undefined) {
      return { contents, isTruncated: true, nextContinuationToken: tokenOfKey(last.key) };
    }
    contents.push(current);
  }
  return { contents, isTruncated: false };
}

/** Keys with the prefix, after `after` (exclusive), in the order of listings. */
export function* keysAfter(bucket: SimulatedBucket, prefix: string, after: string | undefined) {
  const keys = bucket.keys();
  for (let index = firstIndex(keys, prefix, after); index < keys.length; index += 1) {
    const key = keys[index] as string;
    if (!key.startsWith(prefix)) return;
    yield key;
  }
}

function firstIndex(keys: readonly string[], prefix: string, after: string | undefined): number {
  const afterKey = after === undefined ? 0 : indexAfter(keys, after);
  const atPrefix = prefix === '' ? 0 : indexAfter(keys, prefix);
  // The prefix itself may be a key.
  const withPrefix = atPrefix > 0 && keys[atPrefix - 1] === prefix ? atPrefix - 1 : atPrefix;
  return Math.max(afterKey, withPrefix);
}

/** Where in ascending `keys` the first one lies that is greater than `key`. */
function indexAfter(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] as string, key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Opaque to those who list, as S3's is. */
function tokenOfKey(key: string): string {
  return Buffer.from(`after:${key}`, 'utf8').toString('base64url');
}

function keyOfToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (!text.startsWith('after:')) throw new RangeError('the continuation token is incorrect');
  return text.slice('after:'.length);
}
