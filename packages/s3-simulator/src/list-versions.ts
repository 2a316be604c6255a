import { keysAfter, MAX_PAGE } from './list-objects.ts';
import type { SimulatedBucket } from './simulated-bucket.ts';
import type { StoredVersion } from './stored-version.ts';

export interface ListVersionsRequest {
  /** @default '' */
  readonly prefix?: string;
  /** Keys after this one; with a version marker, this key's versions after it come first. */
  readonly keyMarker?: string;
  /** `null` for the null version, as S3 writes it. */
  readonly versionIdMarker?: string;
  /** @default 1000, which is also the most */
  readonly maxKeys?: number;
}

export interface ListedVersion extends StoredVersion {
  readonly isLatest: boolean;
  /** `null` for the null version, as S3 writes it. */
  readonly versionId: string;
}

export interface VersionsPage {
  /** Delete markers among them, where they belong. */
  readonly versions: readonly ListedVersion[];
  readonly isTruncated: boolean;
  readonly nextKeyMarker?: string;
  readonly nextVersionIdMarker?: string;
}

/** A page of ListObjectVersions. @throws RangeError for a version marker without a key marker. */
export function listVersions(bucket: SimulatedBucket, request: ListVersionsRequest): VersionsPage {
  const { prefix = '', keyMarker = '', versionIdMarker = '' } = request;
  const maxKeys = Math.min(request.maxKeys ?? MAX_PAGE, MAX_PAGE);
  if (versionIdMarker !== '' && keyMarker === '') {
    throw new RangeError('a version-id marker cannot be specified without a key marker');
  }
  const versions: ListedVersion[] = [];
  if (maxKeys === 0) return { versions, isTruncated: false };
  for (const version of versionsAfter(bucket, prefix, keyMarker, versionIdMarker)) {
    const last = versions.at(-1);
    if (versions.length === maxKeys && last !== undefined) {
      const { key: nextKeyMarker, versionId: nextVersionIdMarker } = last;
      return { versions, isTruncated: true, nextKeyMarker, nextVersionIdMarker };
    }
    versions.push(version);
  }
  return { versions, isTruncated: false };
}

function* versionsAfter(
  bucket: SimulatedBucket,
  prefix: string,
  keyMarker: string,
  versionIdMarker: string,
): Generator<ListedVersion> {
  if (versionIdMarker !== '' && keyMarker.startsWith(prefix)) {
    const ofKey = listed(bucket, keyMarker);
    const at = ofKey.findIndex(({ versionId }) => versionId === versionIdMarker);
    // A marker that was removed since leaves the whole key to be listed again, rather than some of it never.
    yield* ofKey.slice(at + 1);
  }
  for (const key of keysAfter(bucket, prefix, keyMarker === '' ? undefined : keyMarker)) {
    yield* listed(bucket, key);
  }
}

function listed(bucket: SimulatedBucket, key: string): readonly ListedVersion[] {
  return bucket.versionsOf(key).map((each, index) => ({
    ...each,
    isLatest: index === 0,
    versionId: each.version === '' ? 'null' : each.version,
  }));
}
