import { paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import type { Measure } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import type pg from 'pg';
import { peakMemoryBytes } from '../cpu-time.ts';
import type { Servers } from '../servers.ts';
import { profileEnv, type Settings } from '../settings.ts';
import { waitUntil } from '../wait-until.ts';
import { sizeOf } from './synthetic-object.ts';

const CREDENTIALS = { accessKeyId: 'bench', secretAccessKey: 'bench' };

/** The store looks at none of it, and the SDK wants all. */
const AWS_ENV = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
};

/** Declares the store's bucket. */
export async function declareBucket(db: pg.Client, url: string): Promise<void> {
  const declaration = {
    name: 'bench',
    bucket: 'bench',
    region: 'us-east-1',
    endpoint: url,
    forcePathStyle: true,
    notifications: { kind: 'none' },
  };
  await db.query(
    `insert into buckets (name, bucket, region, endpoint, declaration) values ('bench', 'bench', 'us-east-1', $1, $2)
     on conflict (name) do update set endpoint = excluded.endpoint, declaration = excluded.declaration`,
    [url, JSON.stringify(declaration)],
  );
}

export interface Listing {
  readonly seconds: number;
  /** Of the worker, its start included. */
  readonly peakMemoryMb: number;
}

/**
 * A real worker measures the bucket: lists it, and compares what it lists with the ledger.
 *
 * @param oldSpaceMb what V8 may keep for long-lived objects before the worker fails; as much as it likes when not said.
 */
export async function measureBucket(
  servers: Servers,
  settings: Settings,
  databaseUrl: string,
  db: pg.Client,
  objects: number,
  oldSpaceMb?: number,
): Promise<Listing> {
  const { NODE_OPTIONS: profiled = '', ...profile } = profileEnv(settings);
  const heap = oldSpaceMb === undefined ? '' : ` --max-old-space-size=${oldSpaceMb}`;
  const worker = await spawnService('stats-worker', {
    DATABASE_URL: databaseUrl,
    REDIS_URL: servers.redisUrl,
    ODOMETER_INSTANCE: 'bench',
    ODOMETER_WORKER_QUEUES: 'measure',
    ...AWS_ENV,
    ...profile,
    NODE_OPTIONS: `${profiled}${heap}`,
  });
  const redis = createProducerRedis({ url: servers.redisUrl });
  const queue = new JobQueue('measure', redis);
  try {
    await worker.ready();
    const last = await newestMeasurement(db);
    const startedAtMs = performance.now();
    const job: Measure = {
      kind: 'bucket',
      target: 'bench',
      purpose: 'asked',
      options: {},
      part: 1,
    };
    await queue.add('target', job, `bench.${startedAtMs}`);
    await waitUntil('the bucket is measured', async () => {
      const measurement = await newestMeasurement(db);
      return measurement?.id !== last?.id && isMeasured(measurement, objects);
    });
    const seconds = (performance.now() - startedAtMs) / 1_000;
    return { seconds, peakMemoryMb: peakMemoryOf(worker) };
  } finally {
    await queue.stop();
    redis.disconnect();
    await worker.kill('SIGTERM');
  }
}

/** Where there is no /proc nobody can tell. */
function peakMemoryOf({ pid }: SpawnedService): number {
  const bytes = peakMemoryBytes(pid);
  if (bytes === undefined) throw new Error('the peak memory is known on Linux only');
  return bytes / 1_000_000;
}

interface BucketMeasurement {
  readonly id: string;
  readonly state: string;
  readonly detail: string | null;
  readonly figures: { readonly listed?: { readonly objects: string; readonly bytes: string } };
}

async function newestMeasurement(db: pg.Client): Promise<BucketMeasurement | undefined> {
  const { rows } = await db.query<BucketMeasurement>(
    'select id, state, detail, figures from measurements order by id desc limit 1',
  );
  return rows[0];
}

/** A measurement that has not found every byte has no time. */
function isMeasured(measurement: BucketMeasurement | undefined, objects: number): boolean {
  if (measurement === undefined || measurement.state === 'running') return false;
  const { listed } = measurement.figures;
  if (listed?.objects !== String(objects) || listed.bytes !== String(bytesOf(objects))) {
    throw new Error(`the measurement is wrong: ${JSON.stringify(measurement)}`);
  }
  return true;
}

function bytesOf(objects: number): bigint {
  let bytes = 0n;
  for (let index = 0; index < objects; index += 1) bytes += BigInt(sizeOf(index));
  return bytes;
}

/** The SDK's own paginator, one page after the other, adding up what it lists. @returns seconds */
export async function paginatorSeconds(url: string, objects: number): Promise<number> {
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: CREDENTIALS,
  });
  const startedAtMs = performance.now();
  let bytes = 0n;
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: 'bench' })) {
    for (const { Size = 0 } of Contents) bytes += BigInt(Size);
  }
  const seconds = (performance.now() - startedAtMs) / 1_000;
  client.destroy();
  if (bytes !== bytesOf(objects)) throw new Error(`the paginator has found ${bytes} bytes`);
  return seconds;
}
