import { S3Client } from '@aws-sdk/client-s3';
import { expect } from '@jest/globals';
import type { Measure } from '@odometer/queues/catalogue';
import type { JobQueue } from '@odometer/queues/job-queue';
import { SimulatedBucket, type Versioning } from '@odometer/s3-simulator/simulated-bucket';
import { SimulatedClock } from '@odometer/s3-simulator/simulated-clock';
import type { StoreEvent } from '@odometer/s3-simulator/store-event';
import { startFakeS3Server } from '@odometer/testing/fake-s3-server';
import type { BucketFigures } from '../src/measure/bucket/bucket-figures.ts';
import type { BucketParts } from '../src/measure/bucket/bucket-listing.ts';
import { ListingCounts } from '../src/measure/bucket/listing-counts.ts';
import { createBucketMeasurer } from '../src/measure/bucket/measure-bucket.ts';
import { openS3Bucket } from '../src/measure/bucket/s3-object-lister.ts';
import { Turns } from '../src/measure/bucket/turns.ts';
import { MeasureCounts } from '../src/measure/measure-metrics.ts';
import { createMeasureProcessor, type Measurer } from '../src/measure/process-measure.ts';
import { BucketCatalogue } from '../src/objects/bucket-catalogue.ts';
import { openAppliers, Producer } from './applier-fixture.ts';
import { changeOf } from './change-of-event.ts';
import { declareBucket, expectLevelsToAddUp } from './object-fixture.ts';

const HOUR_MS = 3_600_000;
export const GRACE_MS = 900_000;

/** How a measurement ended. */
export interface Measured {
  readonly id: string;
  readonly state: 'running' | 'complete' | 'refused' | 'failed';
  readonly figures: BucketFigures;
  readonly failure: string | null;
  readonly detail: string | null;
}

/** A database with appliers, and a bucket behind S3's own protocol. The store's clock is ours, and goes on when told to. */
export async function openBucketSystem({
  versioning = 'unversioned',
  maxPage,
  isPlain = false,
  declaration = {},
}: {
  readonly versioning?: Versioning;
  readonly maxPage?: number;
  /** Of the store: it takes no notice of `encoding-type`. */
  readonly isPlain?: boolean;
  readonly declaration?: object;
} = {}) {
  const clock = new SimulatedClock(Date.now() - 24 * HOUR_MS);
  const bucket = new SimulatedBucket({ name: 'acme-assets', versioning, now: clock.now });
  const [system, server] = await Promise.all([
    openAppliers(),
    startFakeS3Server([bucket], { isPlain, ...(maxPage !== undefined && { maxPage }) }),
  ]);
  const bucketId = await declareBucket(system.pool, {
    endpoint: server.url,
    forcePathStyle: true,
    graceSeconds: GRACE_MS / 1_000,
    ...declaration,
  });
  const clients = new Map<string, S3Client>();
  const clientOf = (endpoint: string): S3Client => {
    const known = clients.get(endpoint);
    if (known !== undefined) return known;
    const made = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 3,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    clients.set(endpoint, made);
    return made;
  };
  const client = clientOf(server.url);
  const counts = new ListingCounts();
  const parts: BucketParts = {
    pool: system.pool,
    registry: system.parts.registry,
    buckets: new BucketCatalogue(),
    openLister: ({ bucket: name, endpoint = server.url }, signal) =>
      openS3Bucket(
        {
          client: clientOf(endpoint),
          bucket: name,
          target: `bucket ${name}`,
          nowMs: clock.now,
        },
        signal,
      ),
    counts,
    turns: new Turns(2),
    nowMs: clock.now,
  };
  /** Jobs that go on where another one's time was up. */
  const followUps: Measure[] = [];
  const process = (change: Partial<BucketParts> = {}) => {
    const bucketMeasurer = createBucketMeasurer({ ...parts, ...change });
    const none: Measurer = () => Promise.reject(new Error('only buckets here'));
    return createMeasureProcessor({
      pool: system.pool,
      queue: {
        add: async (_: string, job: Measure) => void followUps.push(job),
      } as unknown as JobQueue<'measure'>,
      measurers: { bucket: bucketMeasurer, registry: none, reading: none, cross_check: none },
      counts: new MeasureCounts(),
      log: { info: () => {}, warn: () => {}, error: () => {} },
    });
  };
  const latest = async (target = 'assets'): Promise<Measured> => {
    const { rows } = await system.pool.query<Measured>(
      `select id::text, state, figures, failure, detail from measurements
       where kind = 'bucket' and target = $1 order by measurements.id desc limit 1`,
      [target],
    );
    const [measurement] = rows;
    if (measurement === undefined) throw new Error('nothing was measured');
    return measurement;
  };
  /** Runs the job of a measurement, as a worker would. */
  const run = async (
    purpose: Measure['purpose'] = 'hourly',
    options: Measure['options'] = {},
    {
      change = {},
      signal = new AbortController().signal,
      target = 'assets',
    }: { change?: Partial<BucketParts>; signal?: AbortSignal; target?: string } = {},
  ): Promise<Measured> => {
    const payload: Measure = { kind: 'bucket', target, purpose, options, part: 1 };
    await process(change)({ name: 'target', payload } as never, signal);
    return latest(target);
  };
  /** What the ledger has: bytes and objects of the bucket. */
  const ledger = async (id = bucketId) => {
    const { rows } = await system.pool.query<{ bytes: string; objects: number }>(
      `select coalesce(sum(bytes), 0)::text as bytes, coalesce(sum(objects), 0)::int as objects
       from storage_levels where bucket_id = $1`,
      [id],
    );
    return { bytes: BigInt(rows[0]?.bytes ?? 0), objects: rows[0]?.objects ?? 0 };
  };
  const close = async () => {
    for (const each of clients.values()) each.destroy();
    await Promise.all([system.close(), server.close()]);
  };
  return {
    ...system,
    clock,
    bucket,
    bucketId,
    server,
    client,
    parts,
    counts,
    followUps,
    run,
    latest,
    /** Lets everything become older than the grace. */
    settle: () => clock.advance(HOUR_MS),
    ledger,
    /** Puts so many objects, the first of 0 bytes, each of one more. */
    fill: (count: number) => {
      for (let index = 0; index < count; index += 1) bucket.put(objectKey(index), index);
    },
    /** Notifications of the events arrive. */
    notify: async (...events: readonly (readonly StoreEvent[])[]) => {
      const changes = events.flat().flatMap((event) => changeOf(bucketId, event));
      const producer = await new Producer(system.pool, 'objects').open();
      await system.objects.apply([producer.objects(...changes)]);
    },
    /** The ledger has what the bucket has. */
    expectExact: async () => expect(await ledger()).toEqual(bucket.totals()),
    close,
    /** Closes it once it has been seen that what must always hold does. */
    closeAddedUp: async () => {
      try {
        // Of a ledger of listings there are no rows that could add up.
        const { rowCount } = await system.pool.query('select from listing_sums');
        if (rowCount === 0) await expectLevelsToAddUp(system.pool);
      } finally {
        await close();
      }
    },
  };
}

/** Keys of `fill`, in their order. */
export const objectKey = (index: number) => `acme/web/${String(index).padStart(6, '0')}`;

export type BucketSystem = Awaited<ReturnType<typeof openBucketSystem>>;

/** All rows of the ledger, as text to be compared. */
export async function ledgerRows({ pool }: BucketSystem): Promise<readonly unknown[]> {
  const { rows } = await pool.query(
    `select key, version, project_id, metered_object_type, size_bytes, live, sequencer, created_at, changed_at, listed_at
     from stored_objects order by bucket_id, key, version`,
  );
  return rows;
}

export async function corrections({ pool }: BucketSystem): Promise<readonly unknown[]> {
  const { rows } = await pool.query(
    `select key, version, reason, bytes::int as bytes, objects from object_corrections order by id`,
  );
  return rows;
}
