import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { eventually } from '@odometer/testing/eventually';
import { type FakeS3Server, startFakeS3Server } from '@odometer/testing/fake-s3-server';
import type { Answer } from '@odometer/testing/misbehaving-server';
import { type BucketSystem, openBucketSystem } from '../../../test/bucket-fixture.ts';
import { declareBucket } from '../../../test/object-fixture.ts';

let system: BucketSystem;
let other: FakeS3Server;
let otherId: number;
beforeEach(async () => {
  system = await openBucketSystem();
  // By the same name, of another store in another region.
  const bucket = new SimulatedBucket({ name: 'acme-assets', now: system.clock.now });
  for (let index = 0; index < 7; index += 1) bucket.put(`acme/web/${index}`, 1_000);
  other = await startFakeS3Server([bucket]);
  otherId = await declareBucket(system.pool, {
    name: 'assets-of-china',
    region: 'cn-north-1',
    endpoint: other.url,
    forcePathStyle: true,
  });
  system.fill(3);
  system.settle();
});
afterEach(async () => {
  await other.close();
  await system.closeAddedUp();
});

const measureOther = () => system.run('hourly', {}, { target: 'assets-of-china' });

test('23. two buckets of one name in two stores are two ledgers', async () => {
  await Promise.all([system.run(), measureOther()]);
  expect(await system.ledger()).toEqual({ objects: 3, bytes: 3n });
  expect(await system.ledger(otherId)).toEqual({ objects: 7, bytes: 7_000n });
});

test('23. one that denies us stops the other one from nothing', async () => {
  const denied: Answer = { kind: 'answer', status: 403, body: '' };
  system.server.misbehave = () => denied;
  const [failed, complete] = await Promise.all([system.run(), measureOther()]);
  expect(failed).toMatchObject({ state: 'failed', failure: 'target_denied' });
  expect(complete.state).toBe('complete');
  expect(await system.ledger(otherId)).toEqual({ objects: 7, bytes: 7_000n });
  expect(await system.ledger()).toEqual({ objects: 0, bytes: 0n });
});

test('23. while one hangs, in the middle of its listing, the other one is measured', async () => {
  let isHanging = false;
  system.server.misbehave = ({ query }) => {
    if (!query.has('list-type')) return undefined;
    isHanging = true;
    return { kind: 'hang' };
  };
  const stop = new AbortController();
  const hanging = system.run('hourly', {}, { signal: stop.signal });
  try {
    await eventually(() => isHanging);
    expect((await measureOther()).state).toBe('complete');
    expect((await system.latest()).state).toBe('running');
    expect(await system.ledger(otherId)).toEqual({ objects: 7, bytes: 7_000n });
  } finally {
    stop.abort(new Error('the worker stops'));
    await expect(hanging).rejects.toThrow('the worker stops');
  }
});
