import { GetBucketVersioningCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { keyPages } from './key-pages.ts';
import { decodeListedKey } from './listed-key.ts';
import { objectAnswers } from './object-answers.ts';
import type { ObjectLister } from './object-lister.ts';
import { asking, type S3Bucket } from './s3-asking.ts';
import { unfinishedUploads } from './unfinished-uploads.ts';
import { versionAnswers } from './version-answers.ts';

/** Statuses by which a store says that it does not know what it was asked for. */
const NOT_IMPLEMENTED = [405, 501];

/**
 * Lists a bucket: its objects, or all their versions once it has versions, also when they are suspended.
 *
 * @throws as ObjectLister does.
 */
export async function openS3Bucket(s3: S3Bucket, signal: AbortSignal): Promise<ObjectLister> {
  const isVersioned = await hasVersions(s3, signal);
  return {
    isVersioned,
    pages: (range, pagesSignal) => {
      const asked = asking(s3, pagesSignal);
      const answers = (isVersioned ? versionAnswers : objectAnswers)(asked, range.after);
      return keyPages(range, answers, asked.refuse);
    },
    prefixes: async (prefix, prefixesSignal) => {
      const { ask, refuse } = asking(s3, prefixesSignal);
      const { CommonPrefixes = [], EncodingType } = await ask((client, bucket) =>
        client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            Delimiter: '/',
            EncodingType: 'url',
          }),
          { abortSignal: prefixesSignal },
        ),
      );
      return CommonPrefixes.flatMap(({ Prefix }) =>
        Prefix === undefined ? [] : [decodeListedKey(Prefix, EncodingType, refuse)],
      );
    },
    unfinishedUploads: (uploadsSignal) => unfinishedUploads(asking(s3, uploadsSignal)),
  };
}

async function hasVersions(s3: S3Bucket, signal: AbortSignal): Promise<boolean> {
  const { Status } = await asking(s3, signal).ask<{ readonly Status?: string | undefined }>(
    (client, bucket) =>
      client.send(new GetBucketVersioningCommand({ Bucket: bucket }), { abortSignal: signal }),
    // Garage, and what emulates S3 in tests.
    (status) => (NOT_IMPLEMENTED.includes(status) ? { answer: {} } : undefined),
  );
  return Status === 'Enabled' || Status === 'Suspended';
}
