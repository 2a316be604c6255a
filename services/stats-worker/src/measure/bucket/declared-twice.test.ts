import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { outcomes, Producer } from '../../../test/applier-fixture.ts';
import { type BucketSystem, openBucketSystem } from '../../../test/bucket-fixture.ts';
import { declareBucket, stored } from '../../../test/object-fixture.ts';

let system: BucketSystem;
let twiceId: number;
beforeEach(async () => {
  system = await openBucketSystem();
  system.fill(5);
  system.settle();
  await system.run();
  // `apply` would refuse it: the same store by another spelling.
  twiceId = await declareBucket(system.pool, {
    name: 'again',
    endpoint: `${system.server.url}/`,
    region: 'eu-west-1',
    forcePathStyle: true,
  });
});
afterEach(() => system.close());

test('a bucket that is declared twice is measured as the one that was declared first, and refused as the other', async () => {
  expect(await system.run('hourly', {}, { target: 'again' })).toMatchObject({
    state: 'refused',
    detail: expect.stringContaining('it is declared as assets, too'),
  });
  expect(await system.ledger(twiceId)).toEqual({ bytes: 0n, objects: 0 });
  expect((await system.run()).state).toBe('complete');
});

test('what is notified of it as the other counts nothing', async () => {
  const before = await system.ledger();
  const producer = await new Producer(system.pool, 'objects').open();
  const change = stored('acme/web/new', 500, 'A1', { bucketId: twiceId });
  await system.objects.apply([producer.objects(change)]);
  expect(await system.ledger(twiceId)).toEqual({ bytes: 0n, objects: 0 });
  expect(await system.ledger()).toEqual(before);
  expect(await outcomes(system.pool)).toEqual({ items: 1, unmetered: 1 });
});
