import type { S3Client } from '@aws-sdk/client-s3';
import { awsFailure } from '@odometer/aws/aws-error';
import { OdometerError } from '@odometer/domain/errors';

/** A bucket of S3, or of a store that speaks as S3 does. */
export interface S3Bucket {
  readonly client: S3Client;
  readonly bucket: string;
  /** For whoever reads an error. */
  readonly target: string;
  /** @default Date.now */
  readonly nowMs?: () => number;
}

/** Asks a bucket something, with errors in our own words. */
export interface Asking {
  /**
   * @param answersOtherwise makes an answer of an error that is one, by its status.
   * @throws as ObjectLister does.
   */
  readonly ask: <Output>(
    work: (client: S3Client, bucket: string) => Promise<Output>,
    answersOtherwise?: (status: number) => { readonly answer: Output } | undefined,
  ) => Promise<Output>;
  readonly nowMs: () => number;
  /** The error of an answer that cannot be used. */
  readonly refuse: (reason: string) => Error;
  readonly signal: AbortSignal;
}

export function asking(s3: S3Bucket, signal: AbortSignal): Asking {
  const { client, bucket, target, nowMs = Date.now } = s3;
  return {
    ask: async (work, answersOtherwise) => {
      signal.throwIfAborted();
      try {
        return await work(client, bucket);
      } catch (error) {
        signal.throwIfAborted();
        const status = statusOf(error);
        const otherwise = status === undefined ? undefined : answersOtherwise?.(status);
        if (otherwise !== undefined) return otherwise.answer;
        throw awsFailure(target, error);
      }
    },
    nowMs,
    refuse: (reason) => new OdometerError('target_invalid', { target, reason }),
    signal,
  };
}

/** The status that a store answered with. */
function statusOf(error: unknown): number | undefined {
  const metadata: unknown = error instanceof Error ? Reflect.get(error, '$metadata') : undefined;
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  const status: unknown = Reflect.get(metadata, 'httpStatusCode');
  return typeof status === 'number' ? status : undefined;
}
