import {
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { awsFailure } from '@odometer/aws/aws-error';

export interface DoomedObject {
  readonly key: string;
  /** '' for the null version. */
  readonly version: string;
}

export interface DeletedObjects {
  readonly deleted: number;
  /** What the store refused, with its reason. */
  readonly refused: readonly (DoomedObject & { readonly reason: string })[];
}

/**
 * Deletes objects for good, versions by their ids: a plain delete in a bucket with versioning would only hide them, and what
 * is hidden is paid for. Deleting what is gone already is no failure, so it is safe to repeat.
 *
 * @param bucket as the store calls it.
 * @param hasVersions what `knowsVersions` says of it.
 * @param objects at most 1,000, what S3 takes at once
 * @throws OdometerError `target_…`: nothing is known of any of them.
 */
export async function deleteObjects(
  s3: S3Client,
  bucket: string,
  hasVersions: boolean,
  objects: readonly DoomedObject[],
): Promise<DeletedObjects> {
  try {
    const { Errors = [] } = await s3.send(
      new DeleteObjectsCommand({
        Bucket: bucket,
        Delete: {
          Objects: objects.map(({ key, version }) => {
            if (version !== '') return { Key: key, VersionId: version };
            return hasVersions ? { Key: key, VersionId: 'null' } : { Key: key };
          }),
          Quiet: true,
        },
      }),
    );
    return {
      deleted: objects.length - Errors.length,
      refused: Errors.map(({ Key = '', VersionId = '', Code, Message }) => ({
        key: Key,
        version: VersionId === 'null' ? '' : VersionId,
        reason: Message ?? Code ?? 'the store gives no reason',
      })),
    };
  } catch (error) {
    throw awsFailure(`the bucket ${bucket}`, error);
  }
}

/**
 * Whether a bucket has, or ever had, versioning. A store that does not know the question knows no versions.
 *
 * @throws OdometerError `target_…`
 */
export async function knowsVersions(s3: S3Client, bucket: string): Promise<boolean> {
  try {
    const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }));
    return Status !== undefined;
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (status === 501 || status === 405) return false;
    throw awsFailure(`the bucket ${bucket}`, error);
  }
}
