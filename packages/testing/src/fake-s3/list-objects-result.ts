import { keysAfter, listObjects } from '@odometer/s3-simulator/list-objects';
import type { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import type { StoredVersion } from '@odometer/s3-simulator/stored-version';
import { element, keyWriter, listing, numberOf, time } from './s3-xml.ts';

interface Page {
  readonly contents: readonly StoredVersion[];
  readonly prefixes: readonly string[];
  readonly isTruncated: boolean;
  readonly nextContinuationToken?: string;
}

/** ListObjectsV2. @throws RangeError for a token that no page gave */
export function objectsResult(
  bucket: SimulatedBucket,
  query: URLSearchParams,
  maxPage: number,
): string {
  const asked = numberOf(query, 'max-keys') ?? 1_000;
  const delimiter = query.get('delimiter') ?? '';
  const maxKeys = Math.min(asked, maxPage);
  const page =
    delimiter === ''
      ? { ...listObjects(bucket, { ...rangeOf(query), maxKeys }), prefixes: [] }
      : foldedPage(bucket, query, delimiter, maxKeys);
  const written = keyWriter(query);
  const startAfter = query.get('start-after');
  return listing(
    'ListBucketResult',
    element('Name', bucket.name),
    element('Prefix', written(query.get('prefix') ?? '')),
    delimiter === '' ? '' : element('Delimiter', written(delimiter)),
    startAfter === null ? '' : element('StartAfter', written(startAfter)),
    element('ContinuationToken', query.get('continuation-token') ?? undefined),
    element('NextContinuationToken', page.nextContinuationToken),
    element('EncodingType', query.get('encoding-type') ?? undefined),
    element('KeyCount', page.contents.length + page.prefixes.length),
    element('MaxKeys', asked),
    element('IsTruncated', page.isTruncated),
    ...page.contents.map((object) => contents(object, written)),
    ...page.prefixes.map(
      (prefix) => `<CommonPrefixes>${element('Prefix', written(prefix))}</CommonPrefixes>`,
    ),
  );
}

function contents(object: StoredVersion, written: (key: string) => string): string {
  return [
    '<Contents>',
    element('Key', written(object.key)),
    element('LastModified', time(object.lastModifiedMs)),
    element('ETag', `"${object.eTag}"`),
    element('Size', object.sizeBytes),
    element('StorageClass', object.storageClass),
    '</Contents>',
  ].join('');
}

function rangeOf(query: URLSearchParams) {
  const startAfter = query.get('start-after');
  const continuationToken = query.get('continuation-token');
  return {
    prefix: query.get('prefix') ?? '',
    ...(startAfter === null ? {} : { startAfter }),
    ...(continuationToken === null ? {} : { continuationToken }),
  };
}

/** With a delimiter: keys that go on after it are one entry together, their common prefix. */
function foldedPage(
  bucket: SimulatedBucket,
  query: URLSearchParams,
  delimiter: string,
  maxKeys: number,
): Page {
  const prefix = query.get('prefix') ?? '';
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? undefined) : entryOf(token);
  const contents: StoredVersion[] = [];
  const prefixes: string[] = [];
  let last = '';
  for (const key of keysAfter(bucket, prefix, after)) {
    const object = bucket.current(key);
    const end = key.indexOf(delimiter, prefix.length);
    const folded = end < 0 ? undefined : key.slice(0, end + delimiter.length);
    const known = folded !== undefined && (folded === last || (token !== null && folded === after));
    if (object === undefined || known) continue;
    if (contents.length + prefixes.length === maxKeys) {
      if (maxKeys === 0) break;
      return { contents, prefixes, isTruncated: true, nextContinuationToken: tokenOf(last) };
    }
    last = folded ?? key;
    if (folded === undefined) contents.push(object);
    else prefixes.push(folded);
  }
  return { contents, prefixes, isTruncated: false };
}

function tokenOf(entry: string): string {
  return Buffer.from(`entry:${entry}`).toString('base64url');
}

function entryOf(token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  if (!text.startsWith('entry:')) throw new RangeError('the continuation token is incorrect');
  return text.slice('entry:'.length);
}
