import { hash } from 'node:crypto';
import { compareKeys } from '@odometer/domain/objects/key-order';
import type { OpenUpload, UploadedPart } from './stored-version.ts';

/**
 * Uploads that are not done yet. S3 tells nobody of them: they are known from ListMultipartUploads and ListParts alone.
 *   nothing → open, with more and more parts → completed (SimulatedBucket.completeUpload) | aborted
 */
export class MultipartUploads {
  readonly #now: () => number;
  readonly #newId: () => string;
  readonly #open = new Map<string, OpenUpload & { readonly parts: Map<number, UploadedPart> }>();

  constructor(now: () => number, newId: () => string) {
    this.#now = now;
    this.#newId = newId;
  }

  /** @returns the upload's id. */
  start(key: string, storageClass = 'STANDARD'): string {
    const uploadId = this.#newId();
    const initiatedMs = this.#now();
    this.#open.set(uploadId, { key, uploadId, initiatedMs, storageClass, parts: new Map() });
    return uploadId;
  }

  /** A part that is sent again takes the place of the first. @throws RangeError when there is no such upload. */
  putPart(uploadId: string, partNumber: number, sizeBytes: number): UploadedPart {
    const eTag = hash('md5', `${uploadId}:${partNumber}:${sizeBytes}`);
    const part = { partNumber, sizeBytes, eTag, lastModifiedMs: this.#now() };
    this.#existing(uploadId).parts.set(partNumber, part);
    return part;
  }

  /** @throws RangeError when there is no such upload. */
  abort(uploadId: string): void {
    this.close(uploadId);
  }

  /** Takes it out. @throws RangeError when there is no such upload. */
  close(uploadId: string): OpenUpload {
    const upload = this.#existing(uploadId);
    this.#open.delete(uploadId);
    return upload;
  }

  get(uploadId: string): OpenUpload | undefined {
    return this.#open.get(uploadId);
  }

  /** By key, then by when they were begun, as S3 lists them. */
  list(): readonly OpenUpload[] {
    return [...this.#open.values()].sort(
      (a, b) => compareKeys(a.key, b.key) || a.initiatedMs - b.initiatedMs,
    );
  }

  /** Bytes of all their parts. */
  totalBytes(): bigint {
    let bytes = 0n;
    for (const { parts } of this.#open.values()) {
      for (const { sizeBytes } of parts.values()) bytes += BigInt(sizeBytes);
    }
    return bytes;
  }

  #existing(uploadId: string) {
    const upload = this.#open.get(uploadId);
    if (upload === undefined) throw new RangeError(`there is no upload ${uploadId}`);
    return upload;
  }
}
