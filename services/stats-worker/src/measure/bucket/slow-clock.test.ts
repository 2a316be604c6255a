import { afterEach, expect, test } from '@jest/globals';
import { type BucketSystem, objectKey, openBucketSystem } from '../../../test/bucket-fixture.ts';

let system: BucketSystem;
afterEach(() => system.closeAddedUp());

const BEHIND_MS = 600_000;

test('a worker whose clock is behind leaves what was written after its page was asked for', async () => {
  system = await openBucketSystem();
  const { clock, bucket, parts } = system;
  await system.notify(bucket.put(objectKey(1), 100));
  system.settle();
  let size = 1;
  const openLister: BucketSystem['parts']['openLister'] = async (declaration, signal) => {
    const lister = await parts.openLister(declaration, signal);
    return {
      ...lister,
      async *pages(range, pagesSignal) {
        for await (const page of lister.pages(range, pagesSignal)) {
          // One is overwritten and one is new, each time that something is asked for.
          size += 1;
          await system.notify(bucket.put(objectKey(1), size), bucket.put(objectKey(size), 50));
          yield { ...page, askedAtMs: page.askedAtMs - BEHIND_MS };
        }
      },
    };
  };
  const nowMs = () => clock.now() - BEHIND_MS;
  const change = { openLister, nowMs, latestMs: clock.now };
  expect((await system.run('reconcile', {}, { change })).state).toBe('complete');
  await system.expectExact();
});
