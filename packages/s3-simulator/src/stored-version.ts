/** A version that lies in a bucket, or a delete marker. */
export interface StoredVersion {
  readonly key: string;
  /** '' for the null version. */
  readonly version: string;
  readonly isDeleteMarker: boolean;
  /** 0 for a delete marker. */
  readonly sizeBytes: number;
  readonly eTag: string;
  readonly storageClass: string;
  readonly lastModifiedMs: number;
}

/** A multipart upload that was begun, and neither completed nor aborted: its parts are billed, and no listing of objects shows them. */
export interface OpenUpload {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedMs: number;
  readonly storageClass: string;
  readonly parts: ReadonlyMap<number, UploadedPart>;
}

export interface UploadedPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly eTag: string;
  readonly lastModifiedMs: number;
}
