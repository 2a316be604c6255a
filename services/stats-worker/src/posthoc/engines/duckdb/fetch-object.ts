import { open } from 'node:fs/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { isOdometerError } from '@odometer/domain/errors';
import { asking, type S3Bucket } from '../../../measure/bucket/s3-asking.ts';
import type { ListedLog } from './list-keys.ts';

/** A request's answer has 30 s to be complete, which is little for what is larger; and it is kept in memory. */
const PART_BYTES = 4 * 1_048_576;
/** The SDK makes eight attempts until an answer begins, and none after that. */
const ATTEMPTS = 3;

/**
 * Writes an object to a file, part by part.
 *
 * @throws OdometerError as `asking`; also when the object is gone, or is another one than was listed.
 */
export async function fetchObject(
  s3: S3Bucket,
  log: ListedLog,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    for (let from = 0; from < log.sizeBytes; from += PART_BYTES) {
      const bytes = await fetchPart(
        s3,
        log,
        from,
        Math.min(from + PART_BYTES, log.sizeBytes),
        signal,
      );
      await handle.write(bytes, 0, bytes.length, from);
    }
  } finally {
    await handle.close();
  }
}

/** @param end exclusive. */
async function fetchPart(
  s3: S3Bucket,
  { key, etag }: ListedLog,
  from: number,
  end: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { ask, refuse } = asking({ ...s3, target: `s3://${s3.bucket}/${key}` }, signal);
  for (let attempt = 1; ; attempt += 1) {
    try {
      const bytes = await ask(async (client, bucket) => {
        const { Body } = await client.send(
          new GetObjectCommand({
            Bucket: bucket,
            Key: key,
            Range: `bytes=${from}-${end - 1}`,
            // Parts of two objects would be a file that nobody wrote.
            IfMatch: etag,
          }),
          { abortSignal: signal },
        );
        return (await Body?.transformToByteArray()) ?? new Uint8Array();
      });
      if (bytes.length === end - from) return bytes;
      throw refuse(`it has ${bytes.length} bytes from ${from} on, and not ${end - from}`);
    } catch (error) {
      const isWorthwhile = isOdometerError(error) && error.code === 'target_unavailable';
      if (!isWorthwhile || attempt === ATTEMPTS) throw error;
    }
  }
}
