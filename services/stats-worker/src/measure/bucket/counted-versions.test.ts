import { afterEach, expect, test } from '@jest/globals';
import { type BucketSystem, objectKey, openBucketSystem } from '../../../test/bucket-fixture.ts';
import { levels } from '../../../test/object-fixture.ts';

let system: BucketSystem;
afterEach(() => system.closeAddedUp());

test('29. parts of uploads that are not completed are explained apart, and are in no gauge', async () => {
  system = await openBucketSystem();
  system.bucket.put(objectKey(1), 100);
  for (const name of ['a', 'b']) {
    const id = system.bucket.uploads.start(`acme/web/${name}`);
    system.bucket.uploads.putPart(id, 1, 5_000_000);
    system.bucket.uploads.putPart(id, 2, 123);
  }
  system.settle();
  const { figures } = await system.run('reconcile');
  expect(figures).toMatchObject({
    multipartUploads: { uploads: '2', parts: '4', bytes: '10000246', unread: '0' },
    listed: { objects: '1', bytes: '100' },
    drift: { objects: '1', bytes: '100' },
  });
  expect(await levels(system.pool)).toEqual({ 'acme/web object': ['100', 1] });
});

test('29. versions that are not current are counted, delete markers are not', async () => {
  system = await openBucketSystem({ versioning: 'enabled', maxPage: 3 });
  for (let put = 0; put < 10; put += 1) system.bucket.put(objectKey(1), 100);
  system.bucket.delete(objectKey(1));
  system.bucket.put(objectKey(2), 1);
  system.settle();
  expect((await system.run('reconcile')).figures).toMatchObject({
    versioned: true,
    listed: { objects: '11', bytes: '1001' },
  });
  await system.expectExact();
});
