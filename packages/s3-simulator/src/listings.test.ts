import { expect, test } from '@jest/globals';
import { listObjects } from './list-objects.ts';
import { listParts, listUploads } from './list-uploads.ts';
import { listVersions } from './list-versions.ts';
import { SimulatedBucket } from './simulated-bucket.ts';
import { SimulatedClock } from './simulated-clock.ts';

function newBucket() {
  const clock = new SimulatedClock(1_700_000_000_000);
  return { clock, bucket: new SimulatedBucket({ name: 'media', now: clock.now }) };
}

function* objectPages(bucket: SimulatedBucket, request: Parameters<typeof listObjects>[1]) {
  let page = listObjects(bucket, request);
  yield page;
  while (page.nextContinuationToken !== undefined) {
    page = listObjects(bucket, { ...request, continuationToken: page.nextContinuationToken });
    yield page;
  }
}

test('keys are listed by the bytes of their UTF-8', () => {
  const { bucket } = newBucket();
  for (const key of ['\u{1f600}', '\uffee', 'b', 'B', 'a/', 'a', 'é']) bucket.put(key, 1);
  const { contents } = listObjects(bucket, {});
  expect(contents.map(({ key }) => key)).toEqual(['B', 'a', 'a/', 'b', 'é', '\uffee', '\u{1f600}']);
});

test.each([
  [0, 1],
  [999, 1],
  [1000, 1],
  [1001, 2],
  [2500, 3],
])('%i objects are %i pages', (count, pages) => {
  const { bucket } = newBucket();
  for (let id = 0; id < count; id += 1) bucket.put(`k${id}`, id);
  const listed = [...objectPages(bucket, {})];
  expect(listed).toHaveLength(pages);
  expect(listed.flatMap(({ contents }) => contents)).toEqual(bucket.versions());
});

test('a listing has just what is current, has the prefix, and comes after', () => {
  const { bucket } = newBucket();
  for (const key of ['p1', 'p1/', 'p1/a', 'p1/b', 'p1/c', 'p10/a', 'p2']) bucket.put(key, 1);
  bucket.setVersioning('enabled');
  bucket.delete('p1/b');
  const keys = (request: Parameters<typeof listObjects>[1]) =>
    [...objectPages(bucket, request)].flatMap(({ contents }) => contents.map(({ key }) => key));
  expect(keys({ prefix: 'p1/' })).toEqual(['p1/', 'p1/a', 'p1/c']);
  expect(keys({ prefix: 'p1/', maxKeys: 1 })).toEqual(['p1/', 'p1/a', 'p1/c']);
  expect(keys({ startAfter: 'p1/a' })).toEqual(['p1/c', 'p10/a', 'p2']);
  expect(keys({ startAfter: 'p1/a', maxKeys: 2 })).toEqual(['p1/c', 'p10/a', 'p2']);
  expect(keys({ prefix: 'p1/', startAfter: 'p1/aa' })).toEqual(['p1/c']);
  expect(keys({ prefix: 'q' })).toEqual([]);
  expect(() => listObjects(bucket, { continuationToken: 'made up' })).toThrow(RangeError);
});

test('a listing that goes on after its last key was removed loses nothing', () => {
  const { bucket } = newBucket();
  for (const key of ['a', 'b', 'c']) bucket.put(key, 1);
  const { nextContinuationToken } = listObjects(bucket, { maxKeys: 2 });
  bucket.delete('b');
  expect(
    listObjects(bucket, {
      ...(nextContinuationToken && { continuationToken: nextContinuationToken }),
    }).contents,
  ).toMatchObject([{ key: 'c' }]);
});

test('versions come newest first, markers among them, on pages of any size', () => {
  const { bucket } = newBucket();
  bucket.put('a', 1);
  bucket.setVersioning('enabled');
  bucket.put('a', 2);
  bucket.delete('a');
  bucket.put('b', 3);
  bucket.put('a', 4);
  const all = listVersions(bucket, {});
  expect(
    all.versions.map((each) => [
      each.key,
      each.isDeleteMarker ? 'marker' : each.sizeBytes,
      each.isLatest,
      each.versionId === 'null',
    ]),
  ).toEqual([
    ['a', 4, true, false],
    ['a', 'marker', false, false],
    ['a', 2, false, false],
    ['a', 1, false, true],
    ['b', 3, true, false],
  ]);
  for (const maxKeys of [1, 2, 3, 4]) {
    let page = listVersions(bucket, { maxKeys });
    const versions = [...page.versions];
    while (page.nextKeyMarker !== undefined && page.nextVersionIdMarker !== undefined) {
      const { nextKeyMarker: keyMarker, nextVersionIdMarker: versionIdMarker } = page;
      page = listVersions(bucket, { maxKeys, keyMarker, versionIdMarker });
      versions.push(...page.versions);
    }
    expect(versions).toEqual(all.versions);
  }
  expect(listVersions(bucket, { keyMarker: 'a' }).versions).toMatchObject([{ key: 'b' }]);
  expect(() => listVersions(bucket, { versionIdMarker: 'v' })).toThrow(RangeError);
});

test('uploads are listed by key and then by age, and their parts by number', () => {
  const { bucket, clock } = newBucket();
  const ids = ['b', 'a', 'a', 'c', 'a'].map((key) => {
    clock.advance(1);
    return bucket.uploads.start(key);
  });
  const expected = [1, 2, 4, 0, 3].map((index) => ids[index]);
  const listed: (string | undefined)[] = [];
  let page = listUploads(bucket, { maxUploads: 2 });
  listed.push(...page.uploads.map(({ uploadId }) => uploadId));
  while (page.nextKeyMarker !== undefined && page.nextUploadIdMarker !== undefined) {
    const { nextKeyMarker: keyMarker, nextUploadIdMarker: uploadIdMarker } = page;
    page = listUploads(bucket, { maxUploads: 2, keyMarker, uploadIdMarker });
    listed.push(...page.uploads.map(({ uploadId }) => uploadId));
  }
  expect(listed).toEqual(expected);
  expect(listUploads(bucket, { keyMarker: 'a' }).uploads).toMatchObject([
    { key: 'b' },
    { key: 'c' },
  ]);
  expect(listUploads(bucket, { keyMarker: 'c' }).uploads).toEqual([]);

  const uploadId = ids[0] ?? '';
  for (const number of [3, 1, 2]) bucket.uploads.putPart(uploadId, number, number);
  const first = listParts(bucket, { uploadId, maxParts: 2 });
  expect(first).toMatchObject({ parts: [{ partNumber: 1 }, { partNumber: 2 }], isTruncated: true });
  expect(listParts(bucket, { uploadId, partNumberMarker: 2 })).toMatchObject({
    parts: [{ partNumber: 3 }],
    isTruncated: false,
  });
  expect(listParts(bucket, { uploadId: 'none' })).toBeUndefined();
});
