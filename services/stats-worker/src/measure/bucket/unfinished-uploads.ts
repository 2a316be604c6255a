import {
  ListMultipartUploadsCommand,
  type ListMultipartUploadsOutput,
  ListPartsCommand,
  type ListPartsOutput,
  type MultipartUpload,
} from '@aws-sdk/client-s3';
import { isOdometerError } from '@odometer/domain/errors';
import type { UnfinishedUploads } from './object-lister.ts';
import type { Asking } from './s3-asking.ts';

/** Each takes a request of its own. Who has more has a lifecycle rule to set, and need not know their bytes for it. */
const MOST_READ = 1_000;
/** How many are asked for their parts at once. */
const AT_ONCE = 8;

/**
 * @returns undefined when the store does not show them, or shows what are none: no reason to know nothing of its objects, which
 *   are listed by then.
 */
export async function unfinishedUploads(asking: Asking): Promise<UnfinishedUploads | undefined> {
  try {
    return await readUploads(asking);
  } catch (error) {
    asking.signal.throwIfAborted();
    if (isOdometerError(error)) return undefined;
    throw error;
  }
}

async function readUploads(asking: Asking): Promise<UnfinishedUploads> {
  let sum: UnfinishedUploads = { uploads: 0, parts: 0, bytes: 0n, unread: 0 };
  for await (const uploads of uploadPages(asking)) {
    const read = uploads.slice(0, Math.max(0, MOST_READ - (sum.uploads - sum.unread)));
    const unread = sum.unread + uploads.length - read.length;
    sum = { ...sum, uploads: sum.uploads + uploads.length, unread };
    for (let from = 0; from < read.length; from += AT_ONCE) {
      const some = read.slice(from, from + AT_ONCE);
      for (const { parts, bytes } of await Promise.all(
        some.map((upload) => partsOf(asking, upload)),
      )) {
        sum = { ...sum, parts: sum.parts + parts, bytes: sum.bytes + bytes };
      }
    }
  }
  return sum;
}

async function* uploadPages({
  ask,
  refuse,
  signal,
}: Asking): AsyncGenerator<readonly MultipartUpload[]> {
  let keyMarker: string | undefined;
  let uploadMarker: string | undefined;
  for (;;) {
    const page = await ask<ListMultipartUploadsOutput>((client, bucket) =>
      client.send(
        new ListMultipartUploadsCommand({
          Bucket: bucket,
          ...(keyMarker !== undefined && { KeyMarker: keyMarker }),
          ...(uploadMarker !== undefined && { UploadIdMarker: uploadMarker }),
        }),
        { abortSignal: signal },
      ),
    );
    yield page.Uploads ?? [];
    if (page.IsTruncated !== true) return;
    const { NextKeyMarker, NextUploadIdMarker } = page;
    if (
      NextKeyMarker === undefined ||
      (NextKeyMarker === keyMarker && NextUploadIdMarker === uploadMarker)
    ) {
      throw refuse('there are more uploads, but no new marker to ask for them');
    }
    [keyMarker, uploadMarker] = [NextKeyMarker, NextUploadIdMarker];
  }
}

async function partsOf(
  { ask, refuse, signal }: Asking,
  { Key, UploadId }: MultipartUpload,
): Promise<{ readonly parts: number; readonly bytes: bigint }> {
  let parts = 0;
  let bytes = 0n;
  let marker: string | undefined;
  for (;;) {
    const page = await ask<ListPartsOutput>(
      (client, bucket) =>
        client.send(
          new ListPartsCommand({
            Bucket: bucket,
            Key,
            UploadId,
            ...(marker !== undefined && { PartNumberMarker: marker }),
          }),
          { abortSignal: signal },
        ),
      // Completed or aborted since it was listed.
      (status) => (status === 404 ? { answer: {} } : undefined),
    );
    for (const { Size = 0 } of page.Parts ?? []) {
      parts += 1;
      bytes += BigInt(Size);
    }
    if (page.IsTruncated !== true) return { parts, bytes };
    const next = page.NextPartNumberMarker;
    if (next === undefined || next === marker) {
      throw refuse('there are more parts, but no new marker to ask for them');
    }
    marker = next;
  }
}
