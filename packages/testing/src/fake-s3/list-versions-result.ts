import { type ListedVersion, listVersions } from '@odometer/s3-simulator/list-versions';
import type { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { element, keyWriter, listing, numberOf, time } from './s3-xml.ts';

/** ListObjectVersions, without delimiter. @throws RangeError for a version marker without a key marker */
export function versionsResult(
  bucket: SimulatedBucket,
  query: URLSearchParams,
  maxPage: number,
): string {
  const asked = numberOf(query, 'max-keys') ?? 1_000;
  const keyMarker = query.get('key-marker') ?? '';
  const versionIdMarker = query.get('version-id-marker') ?? '';
  const prefix = query.get('prefix') ?? '';
  const maxKeys = Math.min(asked, maxPage);
  const page = listVersions(bucket, { prefix, keyMarker, versionIdMarker, maxKeys });
  const written = keyWriter(query);
  const { nextKeyMarker } = page;
  return listing(
    'ListVersionsResult',
    element('Name', bucket.name),
    element('Prefix', written(prefix)),
    element('KeyMarker', written(keyMarker)),
    element('VersionIdMarker', versionIdMarker),
    nextKeyMarker === undefined ? '' : element('NextKeyMarker', written(nextKeyMarker)),
    element('NextVersionIdMarker', page.nextVersionIdMarker),
    element('EncodingType', query.get('encoding-type') ?? undefined),
    element('MaxKeys', asked),
    element('IsTruncated', page.isTruncated),
    ...page.versions.map((version) => entry(version, written)),
  );
}

function entry(version: ListedVersion, written: (key: string) => string): string {
  const name = version.isDeleteMarker ? 'DeleteMarker' : 'Version';
  const ofObject = [
    element('ETag', `"${version.eTag}"`),
    element('Size', version.sizeBytes),
    element('StorageClass', version.storageClass),
  ];
  return [
    `<${name}>`,
    element('Key', written(version.key)),
    element('VersionId', version.versionId),
    element('IsLatest', version.isLatest),
    element('LastModified', time(version.lastModifiedMs)),
    ...(version.isDeleteMarker ? [] : ofObject),
    `</${name}>`,
  ].join('');
}
