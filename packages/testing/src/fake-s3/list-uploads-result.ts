import { listParts, listUploads } from '@odometer/s3-simulator/list-uploads';
import type { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { element, keyWriter, listing, numberOf, time } from './s3-xml.ts';

/** ListMultipartUploads, without delimiter. */
export function uploadsResult(
  bucket: SimulatedBucket,
  query: URLSearchParams,
  maxPage: number,
): string {
  const asked = numberOf(query, 'max-uploads') ?? 1_000;
  const keyMarker = query.get('key-marker') ?? '';
  const uploadIdMarker = query.get('upload-id-marker') ?? '';
  const prefix = query.get('prefix') ?? '';
  const maxUploads = Math.min(asked, maxPage);
  const page = listUploads(bucket, { prefix, keyMarker, uploadIdMarker, maxUploads });
  const written = keyWriter(query);
  const { nextKeyMarker } = page;
  return listing(
    'ListMultipartUploadsResult',
    element('Bucket', bucket.name),
    element('Prefix', written(prefix)),
    element('KeyMarker', written(keyMarker)),
    element('UploadIdMarker', uploadIdMarker),
    nextKeyMarker === undefined ? '' : element('NextKeyMarker', written(nextKeyMarker)),
    element('NextUploadIdMarker', page.nextUploadIdMarker),
    element('EncodingType', query.get('encoding-type') ?? undefined),
    element('MaxUploads', asked),
    element('IsTruncated', page.isTruncated),
    ...page.uploads.map((upload) =>
      [
        '<Upload>',
        element('Key', written(upload.key)),
        element('UploadId', upload.uploadId),
        element('Initiated', time(upload.initiatedMs)),
        element('StorageClass', upload.storageClass),
        '</Upload>',
      ].join(''),
    ),
  );
}

/** ListParts; undefined when there is no such upload of this key. */
export function partsResult(
  bucket: SimulatedBucket,
  key: string,
  query: URLSearchParams,
  maxPage: number,
): string | undefined {
  const uploadId = query.get('uploadId') ?? '';
  const asked = numberOf(query, 'max-parts') ?? 1_000;
  const partNumberMarker = numberOf(query, 'part-number-marker') ?? 0;
  const maxParts = Math.min(asked, maxPage);
  const page = listParts(bucket, { uploadId, partNumberMarker, maxParts });
  const upload = bucket.uploads.get(uploadId);
  if (page === undefined || upload?.key !== key) return undefined;
  return listing(
    'ListPartsResult',
    element('Bucket', bucket.name),
    element('Key', key),
    element('UploadId', uploadId),
    element('PartNumberMarker', partNumberMarker),
    element('NextPartNumberMarker', page.nextPartNumberMarker),
    element('MaxParts', asked),
    element('IsTruncated', page.isTruncated),
    element('StorageClass', upload.storageClass),
    ...page.parts.map((part) =>
      [
        '<Part>',
        element('PartNumber', part.partNumber),
        element('LastModified', time(part.lastModifiedMs)),
        element('ETag', `"${part.eTag}"`),
        element('Size', part.sizeBytes),
        '</Part>',
      ].join(''),
    ),
  );
}
