import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPool, type Pool } from '@odometer/database/pool';
import { deliver } from '@odometer/s3-simulator/delivery';
import { s3Notification } from '@odometer/s3-simulator/notification';
import { randomHistory } from '@odometer/s3-simulator/random-history';
import { randomKeys } from '@odometer/s3-simulator/random-keys';
import { SimulatedBucket, type Versioning } from '@odometer/s3-simulator/simulated-bucket';
import { SimulatedClock } from '@odometer/s3-simulator/simulated-clock';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { openAppliers, Producer } from '../../test/applier-fixture.ts';
import { changesOf } from '../../test/change-of-event.ts';
import { declareBucket, expectLevelsToAddUp } from '../../test/object-fixture.ts';
import { BucketCatalogue } from './bucket-catalogue.ts';
import { ObjectApplier } from './object-applier.ts';

/*
 * What a bucket has come to, against the ledger: histories of 500 operations on 50 keys, each notification decoded as the
 * watcher decodes it, some delivered twice or three times, all of them shuffled, cut into batches of any length, some of
 * which come twice, and applied by several workers at once.
 *
 * Planted by hand, 8 seeds each: the sequencer's condition left out of the upsert (found in every mode that has null versions);
 * versions that come back to life (in every mode that has versions); a tombstone's size taken for bytes that were there
 * (in every mode); the order of changes within a batch ignored (wherever there are null versions).
 */

const WORKERS = 4;
const MODES: readonly (Versioning | 'switching')[] = [
  'unversioned',
  'enabled',
  'suspended',
  'switching',
];
const OWNERS = ['acme/robots', 'acme/p1', 'acme/p10', 'other/web'];

let system: Awaited<ReturnType<typeof openAppliers>>;
let pools: readonly Pool[];
let appliers: readonly ObjectApplier[];
let producer: Producer;
beforeAll(async () => {
  system = await openAppliers();
  producer = await new Producer(system.pool, 'objects').open();
  pools = Array.from({ length: WORKERS }, () =>
    createPool({ url: system.url, applicationName: 'test', maxConnections: 2 }, () => {}),
  );
  appliers = pools.map(
    (pool) => new ObjectApplier({ ...system.worker().parts, pool, buckets: new BucketCatalogue() }),
  );
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await system.close();
});

test.each(
  seedsOfThisRun(20, 20).map((seed, i) => [seed, MODES[i % MODES.length] ?? 'switching'] as const),
)('the ledger is what the bucket is, whatever the order (seed %p, %s)', async (seed, mode) => {
  const random = seededRandom(seed);
  const clock = new SimulatedClock(Date.now() - 86_400_000);
  const name = `b-${seed}`;
  const bucket = new SimulatedBucket({
    name,
    versioning: mode === 'switching' ? 'unversioned' : mode,
    now: clock.now,
  });
  const bucketId = await declareBucket(system.pool, { name, bucket: name });
  const keys = randomKeys({ random, count: 50, owners: OWNERS });
  const messages: string[] = [];
  const switchesVersioning = mode === 'switching';
  const history = randomHistory({
    random,
    bucket,
    clock,
    operations: 500,
    keys,
    switchesVersioning,
  });
  for (const { events } of history) {
    if (events.length > 0) messages.push(s3Notification(events));
  }

  const { arriving, late } = deliver(messages, {
    random,
    duplicatedShare: 0.2,
    delayedShare: 0.05,
  });
  const changes = [...arriving, ...late].flatMap((text) => changesOf(bucketId, text));
  const batches = [];
  for (let from = 0; from < changes.length; ) {
    const length = random.integer(1, 60);
    batches.push(producer.objects(...changes.slice(from, from + length)));
    from += length;
  }
  const jobs = batches.flatMap((batch) => (random.next() < 0.1 ? [batch, batch] : [batch]));
  // Each worker takes what is next, as from a queue, and sometimes a few at once.
  await Promise.all(
    appliers.map(async (applier) => {
      for (;;) {
        const group = jobs.splice(0, random.integer(1, 3));
        if (group.length === 0) return;
        await applier.apply(group);
      }
    }),
  );

  const truth = new Map<string, { bytes: bigint; objects: number }>();
  for (const { key, sizeBytes, isDeleteMarker } of bucket.versions()) {
    if (isDeleteMarker) continue;
    const owner = key.split('/', 2).join('/');
    const found = truth.get(owner) ?? { bytes: 0n, objects: 0 };
    truth.set(owner, { bytes: found.bytes + BigInt(sizeBytes), objects: found.objects + 1 });
  }
  const { rows } = await system.pool.query<{ owner: string; bytes: string; objects: number }>(
    `select g.slug || '/' || p.slug as owner, sum(l.bytes)::text as bytes, sum(l.objects)::int as objects
     from storage_levels l join projects p on p.id = l.project_id join organizations g on g.id = p.organization_id
     where l.bucket_id = $1 group by 1 having sum(l.objects) <> 0 or sum(l.bytes) <> 0`,
    [bucketId],
  );
  const ledger = new Map(
    rows.map(({ owner, bytes, objects }) => [owner, { bytes: BigInt(bytes), objects }]),
  );
  expect(ledger).toEqual(truth);
  await expectLevelsToAddUp(system.pool);
  expect(system.applyCounts.conflictRetries).toBe(0);
});
