import { join } from 'node:path';
import type { AwsClients } from '@odometer/aws/aws-clients';
import { pathsOfWindow, type S3Source } from '@odometer/domain/posthoc/log-source';
import { asking } from '../../../measure/bucket/s3-asking.ts';
import { fetchObject } from './fetch-object.ts';
import type { LogFiles } from './find-files.ts';
import { listKeys } from './list-keys.ts';
import { localName } from './work-directory.ts';

/** How many objects are fetched at once: providers write many small ones, each of which takes its time to begin. */
const AT_ONCE = 8;

export interface FetchParts {
  readonly aws: Pick<AwsClients, 's3'>;
  /** What the objects of a window may have, together, as they are stored. */
  readonly maxBytes: number;
}

/**
 * Fetches the objects in which a window's lines may be into `directory`, by our own client: DuckDB's would be an extension that
 * it downloads, with credentials of its own.
 *
 * @throws OdometerError `target_unavailable`, `target_throttled`, `target_denied`, `target_invalid`
 */
export async function fetchLogs(
  { aws, maxBytes }: FetchParts,
  source: S3Source,
  window: { readonly startMs: number; readonly endMs: number },
  directory: string,
  signal: AbortSignal,
): Promise<LogFiles> {
  const { bucket } = source;
  // When one fails the others are none of use.
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const s3 = { client: aws.s3(source), bucket, target: `bucket ${bucket}` };
  const asked = asking(s3, stop);
  const logs = await listKeys(asked, pathsOfWindow(source, window.startMs, window.endMs));
  const bytes = logs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (bytes > maxBytes) {
    const [has, may] = [bytes, maxBytes].map((size) => Math.ceil(size / 1_048_576));
    throw asked.refuse(
      `the logs of the window have ${has} MB, and ${may} MB may be fetched (ODOMETER_POSTHOC_FETCH_MB)`,
    );
  }
  const files = logs.map(({ key }, i) => join(directory, localName(key, i)));
  const waiting = logs.entries();
  const take = async (): Promise<void> => {
    for (const [i, log] of waiting) await fetchObject(s3, log, files[i] ?? '', stop);
  };
  const taking = Array.from({ length: AT_ONCE }, take);
  try {
    await Promise.all(taking);
  } catch (error) {
    failed.abort(error);
    // Nobody writes to the directory when it is removed.
    await Promise.allSettled(taking);
    throw error;
  }
  const objects = new Map(files.map((file, i) => [file, logs[i]]));
  return {
    paths: files,
    bytes: BigInt(bytes),
    nameOf: (file) => objects.get(file)?.key,
    identityOf: (file) => {
      const { key, etag } = objects.get(file) ?? {};
      return JSON.stringify([source.endpoint, bucket, key, etag]);
    },
    // Nobody else has them.
    requireSame: async () => {},
  };
}
