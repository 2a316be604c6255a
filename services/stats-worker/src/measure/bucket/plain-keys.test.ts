import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startTestObjectStore, type TestObjectStore } from '@odometer/testing/test-object-store';
import { openS3Bucket } from './s3-object-lister.ts';

/** A store that is nobody's simulation of ours, and takes no notice of `encoding-type`. */

const KEYS = ['100%', 'a b', 'a+b', 'd+e %/f', 'ü'];

let store: TestObjectStore;
let client: S3Client;
beforeEach(async () => {
  store = await startTestObjectStore();
  client = new S3Client({
    endpoint: store.url,
    region: store.region,
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await store.createBucket('assets');
  for (const key of KEYS) {
    const url = `${store.url}/assets/${encodeURIComponent(key)}`;
    const { status } = await fetch(url, { method: 'PUT', body: 'x' });
    expect(status).toBe(200);
  }
});
afterEach(async () => {
  client.destroy();
  await store.stop();
});

test('keys of a store that does not encode them are what they are: with + and %, from any of them on, and as prefixes', async () => {
  const { signal } = new AbortController();
  const lister = await openS3Bucket({ client, bucket: 'assets', target: 'assets' }, signal);
  const listed = async (after: string | null) => {
    const keys: string[] = [];
    for await (const { objects } of lister.pages({ after, until: null }, signal)) {
      keys.push(...objects.map(({ key }) => key));
    }
    return keys;
  };
  expect(await listed(null)).toEqual(KEYS);
  for (const [index, key] of KEYS.entries()) {
    expect(await listed(key)).toEqual(KEYS.slice(index + 1));
  }
  expect(await lister.prefixes('', signal)).toEqual(['d+e %/']);
  expect(await lister.prefixes('d+e ', signal)).toEqual(['d+e %/']);
});
