import { openEpoch } from '@odometer/database/sources';
import { batchJobId } from '@odometer/domain/batch';
import { toTimestamp } from '@odometer/domain/period';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { spawnService } from '@odometer/testing/spawn-service';
import type pg from 'pg';
import type { Servers } from '../servers.ts';
import { profileEnv, type Settings } from '../settings.ts';
import { waitUntil } from '../wait-until.ts';
import { sampleChanges } from './sample-changes.ts';

const BATCH = 1_000;
/** Of both sides, before the clock starts. */
const WARM_UP = 20_000;

const BUCKET = {
  name: 'bench',
  bucket: 'bench',
  region: 'us-east-1',
  notifications: { kind: 'sqs', queueUrl: 'http://127.0.0.1/queue' },
  types: [{ pattern: 'scenes/{object_id}/…', type: 'scene' }],
};

/** A real worker takes batches of changes from its queue. @returns changes a second, from the first job to the last commit. */
export function odometerRate(servers: Servers, settings: Settings, count: number): Promise<number> {
  return servers.withFresh(async (databaseUrl, db) => {
    await db.query(
      `insert into buckets (name, bucket, region, declaration) values ('bench', 'bench', 'us-east-1', $1)`,
      [JSON.stringify(BUCKET)],
    );
    const worker = await spawnService('stats-worker', {
      DATABASE_URL: databaseUrl,
      REDIS_URL: servers.redisUrl,
      ODOMETER_INSTANCE: 'bench',
      ODOMETER_WORKER_QUEUES: 'objects',
      ...profileEnv(settings),
    });
    const redis = createProducerRedis({ url: servers.redisUrl });
    const queue = new JobQueue('objects', redis);
    try {
      await worker.ready();
      const source = 'objects-bench';
      const epoch = await openEpoch(db, { source, kind: 'objects', instance: 'bench' });
      let sent = 0;
      const send = async (upTo: number): Promise<void> => {
        while (sent < upTo) {
          const changes = sampleChanges(sent, Math.min(BATCH, upTo - sent));
          sent += changes.length;
          const id = { source, epoch, seq: Math.ceil(sent / BATCH) };
          const books = { received: sent, rejected: 0, accepted: sent };
          const batch = { ...id, books, frozenAtMs: Date.now(), changes };
          await queue.add('object-batch', batch, batchJobId(id));
        }
        await waitUntil('all changes are applied', async () => (await applied(db)) === upTo);
      };
      await send(WARM_UP);
      await db.query('checkpoint');
      const startedAtMs = performance.now();
      await send(WARM_UP + count);
      const seconds = (performance.now() - startedAtMs) / 1_000;
      await assertLevels(db);
      return count / seconds;
    } finally {
      await queue.stop();
      redis.disconnect();
      await worker.kill('SIGTERM');
    }
  });
}

async function applied(db: pg.Client): Promise<number> {
  const { rows } = await db.query<{ items: string }>(
    'select coalesce(sum(items), 0) as items from applied_batches',
  );
  return Number(rows[0]?.items);
}

/** Levels that are not the sum of their objects have no rate. */
async function assertLevels(db: pg.Client): Promise<void> {
  const { rows } = await db.query<{ levels: string; objects: string }>(
    `select (select coalesce(sum(bytes), 0) from storage_levels) as levels,
       (select coalesce(sum(size_bytes), 0) from stored_objects where live) as objects`,
  );
  if (rows[0] === undefined || rows[0].levels !== rows[0].objects || rows[0].levels === '0') {
    throw new Error(`the levels are not those of the objects: ${JSON.stringify(rows[0])}`);
  }
}

/** The least that any ledger must do: upsert the same rows, in batches of 1,000, one after the other. @returns changes a second */
export function bareRate(servers: Servers, count: number): Promise<number> {
  return servers.withFresh(async (_url, db) => {
    await db.query(
      `insert into buckets (name, bucket, region, declaration) values ('bench', 'bench', 'us-east-1', $1)`,
      [JSON.stringify(BUCKET)],
    );
    const write = async (from: number, upTo: number): Promise<void> => {
      for (let at = from; at < upTo; at += BATCH) {
        await upsert(db, newestOfEach(sampleChanges(at, Math.min(BATCH, upTo - at))));
      }
    };
    await write(0, WARM_UP);
    await db.query('checkpoint');
    const startedAtMs = performance.now();
    await write(WARM_UP, WARM_UP + count);
    return count / ((performance.now() - startedAtMs) / 1_000);
  });
}

type Change = ReturnType<typeof sampleChanges>[number];

/** A statement can write a row once. */
function newestOfEach(changes: readonly Change[]): readonly Change[] {
  return [...new Map(changes.map((change) => [change.key, change])).values()];
}

async function upsert(db: pg.Client, changes: readonly Change[]): Promise<void> {
  await db.query(
    `insert into stored_objects as o (bucket_id, key, organization_id, project_id, metered_object_type, object_id,
       size_bytes, live, sequencer, created_at, changed_at)
     select 1, key, 1, project, 'scene', scene, bytes, live, sequencer, at, at
     from unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::boolean[], $6::text[], $7::timestamptz[])
       as c (key, project, scene, bytes, live, sequencer, at)
     on conflict (bucket_id, key, version) do update
     set live = excluded.live, size_bytes = excluded.size_bytes, sequencer = excluded.sequencer,
       changed_at = excluded.changed_at
     where excluded.sequencer > o.sequencer`,
    [
      changes.map(({ key }) => key),
      changes.map(({ key }) => Number(/project-(\d+)/.exec(key)?.[1]) + 1),
      changes.map(({ key }) => /scenes\/([^/]+)/.exec(key)?.[1]),
      changes.map(({ sizeBytes }) => sizeBytes),
      changes.map(({ action }) => action === 'created'),
      changes.map(({ sequencer }) => sequencer),
      changes.map(({ atMs }) => toTimestamp(atMs)),
    ],
  );
}
