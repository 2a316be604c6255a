import { compareKeys } from '@odometer/domain/objects/key-order';
import { MAX_PAGE } from './list-objects.ts';
import type { SimulatedBucket } from './simulated-bucket.ts';
import type { OpenUpload, UploadedPart } from './stored-version.ts';

export interface ListUploadsRequest {
  /** @default '' */
  readonly prefix?: string;
  /** Keys after this one; with an upload marker, this key's later uploads come first. */
  readonly keyMarker?: string;
  /** Ignored without a key marker, as S3 does. */
  readonly uploadIdMarker?: string;
  /** @default 1000, which is also the most */
  readonly maxUploads?: number;
}

export interface UploadsPage {
  readonly uploads: readonly OpenUpload[];
  readonly isTruncated: boolean;
  readonly nextKeyMarker?: string;
  readonly nextUploadIdMarker?: string;
}

/** A page of ListMultipartUploads. Never throws. */
export function listUploads(bucket: SimulatedBucket, request: ListUploadsRequest): UploadsPage {
  const { prefix = '', keyMarker = '', uploadIdMarker = '' } = request;
  const maxUploads = Math.min(request.maxUploads ?? MAX_PAGE, MAX_PAGE);
  const all = bucket.uploads.list().filter(({ key }) => key.startsWith(prefix));
  const marked = all.findIndex(
    ({ key, uploadId }) => key === keyMarker && uploadId === uploadIdMarker,
  );
  const first = all.findIndex(({ key }) => keyMarker === '' || compareKeys(key, keyMarker) > 0);
  const rest = marked >= 0 ? all.slice(marked + 1) : first >= 0 ? all.slice(first) : [];
  const uploads = rest.slice(0, maxUploads);
  const last = uploads.at(-1);
  if (last === undefined || rest.length <= maxUploads) return { uploads, isTruncated: false };
  const { key: nextKeyMarker, uploadId: nextUploadIdMarker } = last;
  return { uploads, isTruncated: true, nextKeyMarker, nextUploadIdMarker };
}

export interface ListPartsRequest {
  readonly uploadId: string;
  /** Parts after this one. @default 0 */
  readonly partNumberMarker?: number;
  /** @default 1000, which is also the most */
  readonly maxParts?: number;
}

export interface PartsPage {
  readonly parts: readonly UploadedPart[];
  readonly isTruncated: boolean;
  readonly nextPartNumberMarker?: number;
}

/** A page of ListParts; undefined when there is no such upload (any more). */
export function listParts(
  bucket: SimulatedBucket,
  { uploadId, partNumberMarker = 0, maxParts = MAX_PAGE }: ListPartsRequest,
): PartsPage | undefined {
  const upload = bucket.uploads.get(uploadId);
  if (upload === undefined) return undefined;
  const rest = [...upload.parts.values()]
    .filter(({ partNumber }) => partNumber > partNumberMarker)
    .sort((a, b) => a.partNumber - b.partNumber);
  const parts = rest.slice(0, Math.min(maxParts, MAX_PAGE));
  const last = parts.at(-1);
  if (last === undefined || parts.length === rest.length) return { parts, isTruncated: false };
  return { parts, isTruncated: true, nextPartNumberMarker: last.partNumber };
}
