import { afterEach, expect, test } from '@jest/globals';
import {
  type BucketSystem,
  corrections,
  objectKey,
  openBucketSystem,
} from '../../../test/bucket-fixture.ts';

let system: BucketSystem;
afterEach(() => system.closeAddedUp());

test('25. a listing that fails on page 37 sweeps nothing, and the next job goes on with page 37', async () => {
  system = await openBucketSystem({ maxPage: 10, declaration: { listConcurrency: 1 } });
  system.fill(500);
  system.settle();
  await system.run('backfill');
  for (let index = 0; index < 500; index += 25) system.bucket.delete(objectKey(index));
  system.settle();
  let pages = 0;
  system.server.misbehave = ({ query }) => {
    if (!query.has('list-type')) return undefined;
    pages += 1;
    return pages >= 37 ? { kind: 'answer', status: 403, body: denied('AccessDenied') } : undefined;
  };
  const failed = await system.run('reconcile');
  expect(failed).toMatchObject({ state: 'failed', failure: 'target_denied' });
  expect(await system.ledger()).toMatchObject({ objects: 500 });
  expect(await corrections(system)).toEqual([]);

  system.server.misbehave = undefined;
  const before = system.server.requests.length;
  const resumed = await system.run('reconcile');
  expect(resumed).toMatchObject({ id: failed.id, state: 'complete' });
  // Versioning, page 37 and those after it, and uploads.
  const pagesLeft = Number(resumed.figures.pages) - 36;
  expect(system.server.requests.length - before).toBe(1 + pagesLeft + 1);
  expect(resumed.figures.listed).toMatchObject({ objects: '480' });
  await system.expectExact();
  expect(await corrections(system)).toHaveLength(20);
});

function denied(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
}

test.each(['AccessDenied', 'ExpiredToken'])(
  '25. %s in the middle of a run of several shards: nothing is swept, whatever the others have read',
  async (code) => {
    system = await openBucketSystem({ maxPage: 5, declaration: { listConcurrency: 4 } });
    for (let project = 0; project < 8; project += 1) {
      for (let index = 0; index < 20; index += 1) {
        system.bucket.put(`acme/p${project}/${index}`, 100);
      }
    }
    system.settle();
    await system.run('backfill');
    for (let project = 0; project < 8; project += 1) system.bucket.delete(`acme/p${project}/3`);
    system.settle();
    system.server.misbehave = ({ query }) =>
      query.get('start-after')?.startsWith('acme/p5') || query.get('start-after') === null
        ? { kind: 'answer', status: code === 'ExpiredToken' ? 400 : 403, body: denied(code) }
        : undefined;
    const failed = await system.run('reconcile');
    expect(failed).toMatchObject({ state: 'failed', failure: 'target_denied' });
    expect(await system.ledger()).toMatchObject({ objects: 160 });
    system.server.misbehave = undefined;
    expect((await system.run('reconcile')).state).toBe('complete');
    await system.expectExact();
  },
);

test('27. bursts of SlowDown are ridden out; when they do not end, the reading is missing and not zero', async () => {
  system = await openBucketSystem({ maxPage: 10, declaration: { listConcurrency: 1 } });
  system.fill(40);
  system.settle();
  let answered = 0;
  system.server.misbehave = ({ query }) => {
    if (!query.has('list-type')) return undefined;
    answered += 1;
    return answered % 3 === 2
      ? { kind: 'answer', status: 503, body: denied('SlowDown') }
      : undefined;
  };
  expect((await system.run('backfill')).state).toBe('complete');
  await system.expectExact();

  system.server.misbehave = ({ query }) =>
    query.has('list-type') ? { kind: 'answer', status: 503, body: denied('SlowDown') } : undefined;
  expect(await system.run('reconcile')).toMatchObject({
    state: 'failed',
    failure: 'target_throttled',
    figures: {},
  });
  await system.expectExact();
}, 60_000);

test('40. a store that hangs is given up, and the measurement is missing', async () => {
  system = await openBucketSystem();
  system.fill(3);
  const budget = AbortSignal.timeout(300);
  system.server.misbehave = ({ query }) => (query.has('list-type') ? { kind: 'hang' } : undefined);
  await expect(system.run('hourly', {}, { signal: budget })).rejects.toThrow();
  expect((await system.latest()).state).toBe('running');
});
