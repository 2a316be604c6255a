import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { type FakeS3Server, startFakeS3Server } from '@odometer/testing/fake-s3-server';
import { asking } from './s3-asking.ts';
import { unfinishedUploads } from './unfinished-uploads.ts';

let bucket: SimulatedBucket;
let server: FakeS3Server;
let client: S3Client;
beforeEach(() => {
  bucket = new SimulatedBucket({ name: 'acme-assets', now: () => 0 });
});
afterEach(async () => {
  client.destroy();
  await server.close();
});

async function read(maxPage?: number) {
  server = await startFakeS3Server([bucket], maxPage === undefined ? {} : { maxPage });
  client = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const s3 = { client, bucket: bucket.name, target: 'bucket assets' };
  return unfinishedUploads(asking(s3, new AbortController().signal));
}

const asked = (parameter: string) =>
  server.requests.filter(({ query }) => query.has(parameter)).length;

test('29. uploads and parts are read to the last page, also several uploads of one key', async () => {
  for (const key of ['a', 'a', 'a', 'a b+c', 'ß']) {
    const id = bucket.uploads.start(key);
    for (let part = 1; part <= 5; part += 1) bucket.uploads.putPart(id, part, part * 1_000);
  }
  expect(await read(2)).toEqual({ uploads: 5, parts: 25, bytes: 75_000n, unread: 0 });
  expect({ uploads: asked('uploads'), parts: asked('uploadId') }).toEqual({
    uploads: 3,
    parts: 15,
  });
});

test('29. more than a thousand uploads are counted, and those whose parts were not read are told', async () => {
  for (let index = 0; index < 1_003; index += 1) {
    bucket.uploads.putPart(bucket.uploads.start(`key-${index}`), 1, 7);
  }
  // The limit falls within a page.
  expect(await read(300)).toEqual({ uploads: 1_003, parts: 1_000, bytes: 7_000n, unread: 3 });
  expect(asked('uploadId')).toBe(1_000);
}, 60_000);
