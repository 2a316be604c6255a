import { afterEach, expect, test } from '@jest/globals';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { startFakeS3Server } from '@odometer/testing/fake-s3-server';
import { type BucketSystem, corrections, openBucketSystem } from '../../../test/bucket-fixture.ts';
import { declareBucket, levels } from '../../../test/object-fixture.ts';

let system: BucketSystem;
afterEach(() => system.closeAddedUp());

test('27. two runs at once: one of them measures', async () => {
  system = await openBucketSystem({ maxPage: 5, declaration: { listConcurrency: 2 } });
  system.fill(60);
  system.settle();
  await Promise.all([system.run('reconcile'), system.run('reconcile'), system.run('hourly')]);
  const { rows } = await system.pool.query('select state from measurements');
  expect(rows).toEqual([{ state: 'complete' }]);
  await system.expectExact();
  expect(await corrections(system)).toHaveLength(60);
});

test('27. a run that was taken over keeps no step any more', async () => {
  system = await openBucketSystem({ maxPage: 5, declaration: { listConcurrency: 1 } });
  system.fill(40);
  system.settle();
  let pages = 0;
  let other: Promise<unknown> | undefined;
  const zombie = system.run(
    'reconcile',
    {},
    {
      change: {
        openLister: async (declaration, signal) => {
          const lister = await system.parts.openLister(declaration, signal);
          return {
            ...lister,
            async *pages(range, pagesSignal) {
              for await (const page of lister.pages(range, pagesSignal)) {
                pages += 1;
                if (pages === 3) {
                  // It was not heard of for a minute; another process goes on and ends.
                  await system.pool.query(
                    `update measurements set held_until = now() - interval '1 s'`,
                  );
                  other = system.run('reconcile');
                  await other;
                }
                yield page;
              }
            },
          };
        },
      },
    },
  );
  await zombie;
  await other;
  expect((await system.latest()).figures).toMatchObject({ pages: '8', listed: { objects: '40' } });
  await system.expectExact();
  expect(await corrections(system)).toHaveLength(40);
});

test('a job whose time is up leaves its measurement to the next one, which goes on', async () => {
  system = await openBucketSystem({ maxPage: 5, declaration: { listConcurrency: 2 } });
  system.fill(100);
  system.settle();
  const stop = new AbortController();
  let pages = 0;
  system.server.misbehave = ({ query }) => {
    if (query.has('continuation-token')) pages += 1;
    if (pages === 5) stop.abort(new Error('the worker stops'));
    return undefined;
  };
  await expect(system.run('reconcile', {}, { signal: stop.signal })).rejects.toThrow(
    'the worker stops',
  );
  expect((await system.latest()).state).toBe('running');
  system.server.misbehave = undefined;
  expect((await system.run('reconcile')).state).toBe('complete');
  await system.expectExact();
  expect(await corrections(system)).toHaveLength(100);
});

test('a listing that failed is not gone on with under another declaration: it begins anew, in the other bucket', async () => {
  const other = new SimulatedBucket({ name: 'other-assets', now: () => Date.now() - 7_200_000 });
  for (let index = 0; index < 30; index += 1) other.put(`acme/app/${index}`, 10);
  const server = await startFakeS3Server([other], { maxPage: 5 });
  try {
    system = await openBucketSystem({
      maxPage: 5,
      declaration: { notifications: { kind: 'none' }, ledger: 'listing', listConcurrency: 1 },
    });
    system.fill(40);
    system.settle();
    let pages = 0;
    system.server.misbehave = ({ query }) => {
      if (query.has('list-type')) pages += 1;
      return pages > 4 ? { kind: 'answer', status: 403, body: '' } : undefined;
    };
    const failed = await system.run();
    expect(failed).toMatchObject({ state: 'failed', failure: 'target_denied' });
    system.server.misbehave = undefined;
    await declareBucket(system.pool, {
      bucket: 'other-assets',
      endpoint: server.url,
      forcePathStyle: true,
      notifications: { kind: 'none' },
      ledger: 'listing',
      listConcurrency: 1,
      keys: '{project}/…',
      organization: 'elsewhere',
    });
    const { id, state, figures } = await system.run();
    expect({ id, state }).toEqual({ id: failed.id, state: 'complete' });
    expect(figures).toMatchObject({ pages: '6', listed: { objects: '30', bytes: '300' } });
    expect(await levels(system.pool)).toEqual({ 'elsewhere/acme object': ['300', 30] });
  } finally {
    await server.close();
  }
});
