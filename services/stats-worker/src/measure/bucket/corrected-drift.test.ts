import { afterEach, expect, test } from '@jest/globals';
import { openEpoch } from '@odometer/database/sources';
import { sequencerOfTime } from '@odometer/domain/objects/sequencer';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { startFakeS3Server } from '@odometer/testing/fake-s3-server';
import {
  type BucketSystem,
  corrections,
  GRACE_MS,
  ledgerRows,
  objectKey,
  openBucketSystem,
} from '../../../test/bucket-fixture.ts';

let system: BucketSystem;
afterEach(() => system.closeAddedUp());

test('24. what changes while it is listed is left to its notification', async () => {
  system = await openBucketSystem();
  const old = system.bucket.put(objectKey(1), 100);
  system.settle();
  await system.notify(old);
  // Within the grace: created, overwritten and removed, and no notification has come yet.
  const created = system.bucket.put(objectKey(2), 50);
  const overwritten = system.bucket.put(objectKey(1), 700);
  system.clock.advance(GRACE_MS / 2);
  const { state, figures } = await system.run('reconcile');
  expect(state).toBe('complete');
  expect(figures).toMatchObject({ recent: '2', drift: { objects: '0', bytes: '0' } });
  expect(await system.ledger()).toEqual({ bytes: 100n, objects: 1 });
  await system.notify(overwritten, created);
  await system.expectExact();
});

test('24. a notification older than a correction that comes after it changes nothing, a newer one does', async () => {
  system = await openBucketSystem();
  const first = [system.bucket.put(objectKey(1), 100), system.bucket.put(objectKey(2), 1_000)];
  system.clock.advance(1_000);
  // On their way; what happened after them was never told.
  const late = [system.bucket.put(objectKey(1), 200), system.bucket.put(objectKey(2), 2_000)];
  system.clock.advance(1_000);
  system.bucket.put(objectKey(1), 300);
  system.bucket.delete(objectKey(2));
  late.push(system.bucket.put(objectKey(3), 30));
  system.clock.advance(1_000);
  system.bucket.put(objectKey(3), 3);
  system.settle();
  await system.notify(...first);
  const { figures } = await system.run('reconcile');
  expect(figures).toMatchObject({
    corrections: {
      missed_creation: { objects: '1', bytes: '3' },
      missed_change: { objects: '1', bytes: '200' },
      missed_removal: { objects: '1', bytes: '-1000' },
    },
    drift: { objects: '0', bytes: '-797' },
  });
  await system.expectExact();
  await system.notify(...late);
  await system.expectExact();
  await system.notify(...first);
  await system.expectExact();
  system.clock.advance(1_000);
  await system.notify(system.bucket.put(objectKey(1), 5), system.bucket.put(objectKey(2), 7));
  await system.notify(system.bucket.delete(objectKey(3)));
  await system.expectExact();
  expect(await corrections(system)).toEqual([
    { key: objectKey(1), version: '', reason: 'missed_change', bytes: 200, objects: 0 },
    { key: objectKey(3), version: '', reason: 'missed_creation', bytes: 3, objects: 1 },
    { key: objectKey(2), version: '', reason: 'missed_removal', bytes: -1_000, objects: -1 },
  ]);
});

test('6. an object from before, whose removal alone was told, is missing nowhere after a reconcile', async () => {
  system = await openBucketSystem();
  system.bucket.put(objectKey(1), 100);
  system.bucket.put(objectKey(2), 200);
  system.clock.advance(1_000);
  await system.notify(system.bucket.delete(objectKey(2)));
  system.settle();
  await system.run('reconcile');
  await system.expectExact();
});

test('12. an expiration that looks older than a put of the same day is made up for by a listing', async () => {
  system = await openBucketSystem();
  const put = system.bucket.put(objectKey(1), 100);
  system.clock.advance(60_000);
  const expired = system.bucket.expire(objectKey(1), { stampsMidnight: true });
  await system.notify(put);
  await system.notify(expired);
  expect(await system.ledger()).toEqual({ bytes: 100n, objects: 1 });
  system.settle();
  await system.run('reconcile');
  await system.expectExact();
});

test('a dry run tells what it would correct, with samples, and changes nothing', async () => {
  system = await openBucketSystem();
  await system.notify(system.bucket.put(objectKey(1), 100), system.bucket.put(objectKey(2), 200));
  system.bucket.put(objectKey(1), 150);
  system.bucket.put(objectKey(3), 300);
  system.bucket.delete(objectKey(2));
  system.settle();
  const before = await ledgerRows(system);
  const { figures } = await system.run('reconcile', { dryRun: true });
  expect(figures).toMatchObject({
    dryRun: true,
    wouldBeRefused: false,
    drift: { objects: '0', bytes: '150' },
    samples: [
      { reason: 'missed_change', key: objectKey(1), ledgerBytes: '100', listedBytes: '150' },
      { reason: 'missed_creation', key: objectKey(3), ledgerBytes: '0', listedBytes: '300' },
      { reason: 'missed_removal', key: objectKey(2), ledgerBytes: '200', listedBytes: '0' },
    ],
  });
  expect(await ledgerRows(system)).toEqual(before);
  expect(await corrections(system)).toEqual([]);
});

test('a version that a wrong listing removed comes back with the next right one, until its removal is told', async () => {
  system = await openBucketSystem({ versioning: 'enabled' });
  const put = system.bucket.put(objectKey(1), 100);
  const [event] = put;
  if (event === undefined) throw new Error('a put tells nothing');
  await system.notify(put);
  system.settle();
  await listWrongly();
  expect(await system.ledger()).toEqual({ bytes: 0n, objects: 0 });

  // Its creation is repeated: that tells nothing of what happened since.
  await system.notify(put);
  expect(await system.ledger()).toEqual({ bytes: 0n, objects: 0 });
  system.settle();
  const { figures } = await system.run('reconcile');
  expect(figures).toMatchObject({
    removedBefore: '0',
    corrections: { missed_creation: { objects: '1', bytes: '100' } },
  });
  await system.expectExact();
  // As if it had never been taken out.
  const { rows } = await system.pool.query<{ bytes: string; byte_ms: string; hour: Date }>(
    'select bytes, byte_ms, hour from storage_changes',
  );
  expect(rows).toHaveLength(1);
  const endMs = (rows[0]?.hour.getTime() ?? 0) + 3_600_000;
  expect(rows).toMatchObject([{ bytes: '100', byte_ms: String(100 * (endMs - event.atMs)) }]);

  system.settle();
  await listWrongly();
  const removal = { ...event, name: 'ObjectRemoved:Delete', atMs: event.atMs + 1 } as const;
  await system.notify([removal], [removal]);
  expect(await system.ledger()).toEqual({ bytes: 0n, objects: 0 });
  system.settle();
  expect((await system.run('reconcile')).figures).toMatchObject({ removedBefore: '1' });
  expect(await system.ledger()).toEqual({ bytes: 0n, objects: 0 });
});

/** A listing of another bucket, in which there is nothing. */
async function listWrongly(): Promise<void> {
  const { now } = system.clock;
  const empty = new SimulatedBucket({ name: 'acme-assets', versioning: 'enabled', now });
  const elsewhere = await startFakeS3Server([empty]);
  const openLister: BucketSystem['parts']['openLister'] = (bucket, signal) =>
    system.parts.openLister({ ...bucket, endpoint: elsewhere.url }, signal);
  await system.run('reconcile', { acceptDrift: true }, { change: { openLister } });
  await elsewhere.close();
  // The database's clock is not the store's; what is missed is counted from the last listing at the earliest.
  await system.pool.query('update measurements set started_at = to_timestamp($1::numeric / 1000)', [
    now(),
  ]);
}

test('a version whose removal was told does not come back, whatever a listing says', async () => {
  system = await openBucketSystem({ versioning: 'enabled' });
  const put = system.bucket.put(objectKey(1), 100);
  const version = put[0]?.version ?? '';
  await system.notify(put);
  const [event] = put;
  if (event === undefined) throw new Error('a put tells nothing');
  await system.notify([{ ...event, name: 'ObjectRemoved:Delete', atMs: event.atMs + 1 }]);
  expect(version).not.toBe('');
  system.settle();
  expect((await system.run('reconcile')).figures).toMatchObject({ removedBefore: '1' });
  expect(await system.ledger()).toEqual({ bytes: 0n, objects: 0 });
});

test('a row that a wrong clock has put years ahead is corrected, and followed by what comes after', async () => {
  system = await openBucketSystem({ declaration: { order: 'event_time' } });
  const ahead = '9999-12-31T00:00:00Z';
  const sequencer = sequencerOfTime(Date.parse(ahead));
  const put = [1, 2].map((index) => system.bucket.put(objectKey(index), 100));
  await system.notify(...put);
  await system.pool.query('update stored_objects set changed_at = $1, sequencer = $2', [
    ahead,
    sequencer,
  ]);
  system.bucket.put(objectKey(1), 300);
  system.bucket.delete(objectKey(2));
  system.settle();
  const { figures } = await system.run('reconcile');
  expect(figures).toMatchObject({ recent: '0', drift: { objects: '-1', bytes: '100' } });
  await system.expectExact();
  for (const index of [1, 2]) {
    const [event] = system.bucket.put(objectKey(index), 5);
    if (event === undefined) throw new Error('a put tells nothing');
    await system.notify([{ ...event, sequencer: sequencerOfTime(event.atMs) }]);
  }
  await system.expectExact();
  const { rowCount } = await system.pool.query(
    'select from stored_objects where changed_at > now()',
  );
  expect(rowCount).toBe(0);
});

test('without notifications nothing is under way, and nothing waits for the next listing', async () => {
  system = await openBucketSystem({ declaration: { notifications: { kind: 'none' } } });
  system.fill(5);
  system.clock.advance(1);
  await system.run();
  await system.expectExact();
  system.bucket.delete(objectKey(1));
  system.bucket.put(objectKey(2), 1_000);
  system.clock.advance(1);
  await system.run();
  await system.expectExact();
});

test('what was stored unseen is counted from when the bucket was declared at the earliest', async () => {
  system = await openBucketSystem();
  await openEpoch(system.pool, { source: 'x', kind: 'objects', instance: 'x' });
  await system.pool.query('update buckets set declared_at = to_timestamp($1::numeric / 1000)', [
    system.clock.now() + 1_800_000,
  ]);
  system.bucket.put(objectKey(1), 1_000);
  system.settle();
  await system.run('backfill');
  const { rows } = await system.pool.query<{ byte_ms: string; hour: Date }>(
    'select byte_ms, hour from storage_changes',
  );
  const [change] = rows;
  const sinceMs = (change?.hour.getTime() ?? 0) + 3_600_000 - Number(change?.byte_ms) / 1_000;
  expect(sinceMs).toBe(system.clock.now() - 1_800_000);
});
