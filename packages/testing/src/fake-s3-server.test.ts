import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterEach, expect, test } from '@jest/globals';
import { SimulatedBucket, type Versioning } from '@odometer/s3-simulator/simulated-bucket';
import type { StoreEvent } from '@odometer/s3-simulator/store-event';
import { startFakeS3Server } from './fake-s3-server.ts';
import { SLOW_DOWN } from './misbehaving-server.ts';

const NOW = Date.UTC(2026, 10, 20, 12, 0, 0, 123);
const closers: Array<() => Promise<void> | void> = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function served({
  versioning = 'unversioned',
  maxPage,
}: {
  readonly versioning?: Versioning;
  readonly maxPage?: number;
} = {}) {
  const bucket = new SimulatedBucket({ name: 'uploads', versioning, now: () => NOW });
  const events: StoreEvent[] = [];
  const server = await startFakeS3Server([bucket], {
    ...(maxPage === undefined ? {} : { maxPage }),
    onEvents: (sent) => events.push(...sent),
  });
  const client = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  closers.push(() => client.destroy(), server.close);
  return { bucket, client, server, events };
}

/** What `encoding-type=url` asks of whoever reads. */
const decoded = (key: string | undefined) => decodeURIComponent((key ?? '').replaceAll('+', ' '));

test('a listing of pages has every current object once, in order, with sizes and times', async () => {
  const { bucket, client } = await served();
  const keys = Array.from({ length: 2_001 }, (_, index) => `o/p/${String(index).padStart(5, '0')}`);
  for (const [index, key] of keys.entries()) bucket.put(key, index);
  const listed: Array<readonly [string | undefined, number | undefined]> = [];
  const pages = [];
  for await (const page of paginateListObjectsV2({ client }, { Bucket: 'uploads' })) {
    pages.push(page.KeyCount);
    for (const { Key, Size } of page.Contents ?? []) listed.push([Key, Size]);
  }
  expect(listed).toEqual(keys.map((key, index) => [key, index]));
  expect(pages).toEqual([1_000, 1_000, 1]);
});

test('an empty bucket and a prefix with nothing have no contents, and are complete', async () => {
  const { client } = await served();
  const answer = await client.send(new ListObjectsV2Command({ Bucket: 'uploads', Prefix: 'x/' }));
  expect(answer).toMatchObject({ Name: 'uploads', IsTruncated: false, KeyCount: 0 });
  expect(answer.Contents).toBeUndefined();
});

test('start-after, prefix and smaller pages are as S3 has them', async () => {
  const { bucket, client } = await served({ maxPage: 2 });
  for (const key of ['a/1', 'a/2', 'a/3', 'a/4', 'b/1']) bucket.put(key, 1);
  const first = await client.send(
    new ListObjectsV2Command({ Bucket: 'uploads', Prefix: 'a/', StartAfter: 'a/1' }),
  );
  expect(first.Contents?.map(({ Key }) => Key)).toEqual(['a/2', 'a/3']);
  expect(first).toMatchObject({ IsTruncated: true, MaxKeys: 1_000 });
  const second = await client.send(
    new ListObjectsV2Command({
      Bucket: 'uploads',
      Prefix: 'a/',
      ContinuationToken: first.NextContinuationToken,
    }),
  );
  expect(second.Contents?.map(({ Key }) => Key)).toEqual(['a/4']);
  expect(second.IsTruncated).toBe(false);
});

test('a delimiter folds keys into common prefixes, once each, over pages', async () => {
  const { bucket, client } = await served({ maxPage: 2 });
  for (const key of ['a/1', 'a/2', 'b', 'c/1', 'c/2', 'd/1']) bucket.put(key, 1);
  const seen: string[] = [];
  for await (const page of paginateListObjectsV2(
    { client },
    { Bucket: 'uploads', Delimiter: '/' },
  )) {
    for (const { Key } of page.Contents ?? []) seen.push(String(Key));
    for (const { Prefix } of page.CommonPrefixes ?? []) seen.push(String(Prefix));
  }
  expect(seen.sort()).toEqual(['a/', 'b', 'c/', 'd/']);
});

test('any key survives with encoding-type=url', async () => {
  const { bucket, client } = await served();
  const keys = [
    'a b+c%20',
    'über/日本.txt',
    'new\nline',
    '//double',
    "q'(1)*~!",
    '<&>"',
    '😀',
    '\u0001',
  ];
  for (const key of keys) bucket.put(key, 1);
  const answer = await client.send(
    new ListObjectsV2Command({ Bucket: 'uploads', EncodingType: 'url' }),
  );
  expect(answer.Contents?.map(({ Key }) => decoded(Key)).sort()).toEqual([...keys].sort());
  expect(answer.Contents?.map(({ Key }) => Key)).toContain('%C3%BCber/%E6%97%A5%E6%9C%AC.txt');
});

test('versions and delete markers come newest first, over pages that split a key', async () => {
  const { bucket, client } = await served({ versioning: 'enabled', maxPage: 2 });
  bucket.put('a', 1);
  bucket.put('a', 2);
  bucket.delete('a');
  bucket.put('a b', 3);
  const seen: Array<readonly [string, number | undefined]> = [];
  let markers: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const page = await client.send(
      new ListObjectVersionsCommand({ Bucket: 'uploads', EncodingType: 'url', ...markers }),
    );
    for (const { Key } of page.DeleteMarkers ?? []) seen.push([decoded(Key), undefined]);
    for (const { Key, Size } of page.Versions ?? []) seen.push([decoded(Key), Size]);
    if (!page.IsTruncated) break;
    markers = {
      KeyMarker: decoded(page.NextKeyMarker),
      VersionIdMarker: String(page.NextVersionIdMarker),
    };
  }
  expect(seen).toEqual([
    ['a', undefined],
    ['a', 2],
    ['a', 1],
    ['a b', 3],
  ]);
});

test('the null version is called null', async () => {
  const { bucket, client } = await served();
  bucket.put('a', 1);
  const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket: 'uploads' }));
  expect(Versions).toMatchObject([{ VersionId: 'null', IsLatest: true, ETag: expect.any(String) }]);
});

test('uploads in progress and their parts are listed', async () => {
  const { bucket, client } = await served({ maxPage: 2 });
  const uploadId = bucket.uploads.start('big/file 1');
  for (const partNumber of [1, 2, 3]) bucket.uploads.putPart(uploadId, partNumber, 5_000_000);
  const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: 'uploads' }));
  expect(uploads.Uploads).toMatchObject([{ Key: 'big/file 1', UploadId: uploadId }]);
  const of = { Bucket: 'uploads', Key: 'big/file 1', UploadId: uploadId };
  const first = await client.send(new ListPartsCommand(of));
  expect(first.Parts?.map(({ Size }) => Size)).toEqual([5_000_000, 5_000_000]);
  const PartNumberMarker = first.NextPartNumberMarker;
  const second = await client.send(new ListPartsCommand({ ...of, PartNumberMarker }));
  expect(second.Parts?.map(({ PartNumber }) => PartNumber)).toEqual([3]);
  expect(second.IsTruncated).toBe(false);
});

test('it tells its versioning, its region, and what it does not know', async () => {
  const { bucket, client } = await served({ versioning: 'enabled' });
  const versioning = () => client.send(new GetBucketVersioningCommand({ Bucket: 'uploads' }));
  expect((await versioning()).Status).toBe('Enabled');
  bucket.setVersioning('suspended');
  expect((await versioning()).Status).toBe('Suspended');
  const head = await client.send(new HeadBucketCommand({ Bucket: 'uploads' }));
  expect(head.BucketRegion).toBe('us-east-1');
  await expect(client.send(new HeadBucketCommand({ Bucket: 'other' }))).rejects.toMatchObject({
    $metadata: { httpStatusCode: 404 },
  });
});

test('deletions change the bucket and tell of it', async () => {
  const { bucket, client, events } = await served();
  for (const key of ['a&b', 'c', 'd']) bucket.put(key, 1);
  await client.send(new DeleteObjectCommand({ Bucket: 'uploads', Key: 'd' }));
  const Objects = [{ Key: 'a&b' }, { Key: 'never' }];
  const answer = await client.send(
    new DeleteObjectsCommand({ Bucket: 'uploads', Delete: { Objects } }),
  );
  expect(answer.Deleted?.map(({ Key }) => Key)).toEqual(['a&b', 'never']);
  expect(bucket.keys()).toEqual(['c']);
  expect(events.map(({ name, key }) => [name, key])).toEqual([
    ['ObjectRemoved:Delete', 'd'],
    ['ObjectRemoved:Delete', 'a&b'],
  ]);
});

test('it misbehaves when told to, for the requests it is told', async () => {
  const { bucket, client, server } = await served();
  bucket.put('a', 1);
  server.misbehave = ({ number }) => (number === 1 ? SLOW_DOWN : undefined);
  const answer = await client.send(new ListObjectsV2Command({ Bucket: 'uploads' }));
  expect(answer.Contents).toHaveLength(1);
  expect(server.requests).toHaveLength(2);
});
