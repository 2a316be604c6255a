import { expect, test } from '@jest/globals';
import { SimulatedBucket, type Versioning } from './simulated-bucket.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { StoreEvent } from './store-event.ts';

function bucketOf(versioning: Versioning) {
  const clock = new SimulatedClock(Date.UTC(2026, 10, 22, 10));
  return { clock, bucket: new SimulatedBucket({ name: 'media', versioning, now: clock.now }) };
}

/** The name, and which of the fields that differ are there. */
function shape(events: readonly StoreEvent[]) {
  return events.map(({ name, ...event }) => [
    name,
    ...(['sizeBytes', 'eTag', 'version', 'sequencer'] as const).filter(
      (field) => event[field] !== undefined,
    ),
  ]);
}

function sizes(bucket: SimulatedBucket, key: string) {
  return bucket
    .versionsOf(key)
    .map(({ isDeleteMarker, sizeBytes }) => (isDeleteMarker ? 'marker' : sizeBytes));
}

function oldest(bucket: SimulatedBucket, key: string): string {
  return bucket.versionsOf(key).at(-1)?.version ?? 'none';
}

test('without versioning a put replaces, a delete removes, and a delete of nothing is silent', () => {
  const { bucket } = bucketOf('unversioned');
  expect(shape(bucket.put('k', 9))).toEqual([
    ['ObjectCreated:Put', 'sizeBytes', 'eTag', 'sequencer'],
  ]);
  expect(shape(bucket.put('k', 4))).toEqual([
    ['ObjectCreated:Put', 'sizeBytes', 'eTag', 'sequencer'],
  ]);
  expect(bucket.totals()).toEqual({ bytes: 4n, objects: 1 });
  bucket.put('k', 0);
  expect(bucket.totals()).toEqual({ bytes: 0n, objects: 1 });
  expect(shape(bucket.delete('k'))).toEqual([['ObjectRemoved:Delete', 'sequencer']]);
  expect(bucket.delete('k')).toEqual([]);
  expect(bucket.keys()).toEqual([]);
});

test('with versioning only deleting a version frees it, and deleting a marker brings back what was before', () => {
  const { bucket } = bucketOf('enabled');
  expect(shape(bucket.put('k', 1))).toEqual([
    ['ObjectCreated:Put', 'sizeBytes', 'eTag', 'version', 'sequencer'],
  ]);
  bucket.put('k', 2);
  expect(shape(bucket.delete('k'))).toEqual([
    ['ObjectRemoved:DeleteMarkerCreated', 'eTag', 'version', 'sequencer'],
  ]);
  expect(sizes(bucket, 'k')).toEqual(['marker', 2, 1]);
  expect(bucket.current('k')).toBeUndefined();
  expect(bucket.totals()).toEqual({ bytes: 3n, objects: 2 });

  const marker = bucket.versionsOf('k')[0]?.version ?? '';
  expect(shape(bucket.deleteVersion('k', marker))).toEqual([
    ['ObjectRemoved:Delete', 'version', 'sequencer'],
  ]);
  expect(bucket.current('k')?.sizeBytes).toBe(2);
  bucket.deleteVersion('k', oldest(bucket, 'k'));
  expect(bucket.totals()).toEqual({ bytes: 2n, objects: 1 });
});

test('switched on later, versioning keeps what was there as the null version; suspended, puts and deletes replace it', () => {
  const { bucket } = bucketOf('unversioned');
  bucket.put('k', 1);
  bucket.setVersioning('enabled');
  bucket.put('k', 2);
  expect(bucket.versionsOf('k').map(({ version }) => version === '')).toEqual([false, true]);
  bucket.setVersioning('suspended');
  expect(shape(bucket.put('k', 4))).toEqual([
    ['ObjectCreated:Put', 'sizeBytes', 'eTag', 'sequencer'],
  ]);
  expect(sizes(bucket, 'k')).toEqual([4, 2]);
  expect(shape(bucket.delete('k'))).toEqual([
    ['ObjectRemoved:DeleteMarkerCreated', 'eTag', 'sequencer'],
  ]);
  expect(sizes(bucket, 'k')).toEqual(['marker', 2]);
  bucket.put('k', 8);
  expect(sizes(bucket, 'k')).toEqual([8, 2]);
});

test('versioning cannot be suspended before there is any', () => {
  expect(() => bucketOf('unversioned').bucket.setVersioning('suspended')).toThrow(RangeError);
});

test('parts are billed and seen by no listing of objects, until the upload is completed', () => {
  const { bucket } = bucketOf('unversioned');
  const uploadId = bucket.uploads.start('big');
  bucket.uploads.putPart(uploadId, 1, 5);
  bucket.uploads.putPart(uploadId, 2, 100);
  bucket.uploads.putPart(uploadId, 2, 7);
  expect(bucket.uploads.totalBytes()).toBe(12n);
  expect(bucket.totals()).toEqual({ bytes: 0n, objects: 0 });
  expect(shape(bucket.completeUpload(uploadId))).toEqual([
    ['ObjectCreated:CompleteMultipartUpload', 'sizeBytes', 'eTag', 'sequencer'],
  ]);
  expect(bucket.totals()).toEqual({ bytes: 12n, objects: 1 });

  const aborted = bucket.uploads.start('big');
  bucket.uploads.putPart(aborted, 1, 99);
  bucket.uploads.abort(aborted);
  expect(bucket.uploads.totalBytes()).toBe(0n);
  expect(() => bucket.completeUpload(aborted)).toThrow(RangeError);
});

test('a copy has the size of its source, and a moved object is the same one', () => {
  const { bucket } = bucketOf('unversioned');
  bucket.put('a', 5);
  expect(bucket.copy('a', 'b')).toMatchObject([{ name: 'ObjectCreated:Copy', sizeBytes: 5 }]);
  expect(shape(bucket.transition('b', 'GLACIER'))).toEqual([['LifecycleTransition', 'eTag']]);
  expect(bucket.current('b')).toMatchObject({ storageClass: 'GLACIER', sizeBytes: 5 });
  expect(() => bucket.copy('nothing', 'b')).toThrow(RangeError);
});

test('a rule expires what is current, and removes what is not', () => {
  const { bucket } = bucketOf('unversioned');
  bucket.put('k', 1);
  expect(shape(bucket.expire('k'))).toEqual([['LifecycleExpiration:Delete', 'sequencer']]);
  expect(bucket.expire('k')).toEqual([]);

  bucket.setVersioning('enabled');
  bucket.put('k', 1);
  bucket.put('k', 2);
  expect(shape(bucket.expire('k'))).toEqual([
    ['LifecycleExpiration:DeleteMarkerCreated', 'eTag', 'version', 'sequencer'],
  ]);
  expect(bucket.expire('k')).toEqual([]);
  expect(shape(bucket.expireNoncurrent('k'))).toEqual([
    ['LifecycleExpiration:Delete', 'version', 'sequencer'],
    ['LifecycleExpiration:Delete', 'version', 'sequencer'],
  ]);
  expect(sizes(bucket, 'k')).toEqual(['marker']);
  expect(shape(bucket.expire('k'))).toEqual([
    ['LifecycleExpiration:Delete', 'version', 'sequencer'],
  ]);
  expect(bucket.keys()).toEqual([]);
});

test('a rule may stamp midnight, which is older than what was put that day', () => {
  const { bucket } = bucketOf('unversioned');
  const [put] = bucket.put('k', 1);
  const [expired] = bucket.expire('k', { stampsMidnight: true });
  expect((expired?.sequencer ?? '') < (put?.sequencer ?? '')).toBe(true);
  expect(bucket.totals()).toEqual({ bytes: 0n, objects: 0 });
});

test('restored, tagged, shared: told, and nothing has changed', () => {
  const { bucket } = bucketOf('enabled');
  bucket.put('k', 9);
  const before = bucket.versions();
  expect(shape(bucket.restore('k'))).toEqual([
    ['ObjectRestore:Post', 'sizeBytes', 'eTag', 'version', 'sequencer'],
    ['ObjectRestore:Completed', 'sizeBytes', 'eTag', 'version', 'sequencer'],
  ]);
  for (const name of ['ObjectTagging:Put', 'ObjectTagging:Delete', 'ObjectAcl:Put'] as const) {
    expect(shape(bucket.touch('k', name))).toEqual([[name, 'eTag', 'version']]);
  }
  expect(bucket.versions()).toEqual(before);
});
