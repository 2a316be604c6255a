import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { putMeasuredTarget } from '@odometer/database/measuring/measured-targets';
import { createPool, type Pool } from '@odometer/database/pool';
import { registryDeclarationSchema } from '@odometer/domain/registries/registry-declaration';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { ImagePusher, imageManifest } from '@odometer/testing/push-image';
import { runOdometer } from '@odometer/testing/run-odometer';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { startTestRegistry } from '@odometer/testing/test-registry';

/** The compiled worker, from the job to what people read. */

let redisServer: Awaited<ReturnType<typeof startTestRedis>>;
let registry: Awaited<ReturnType<typeof startTestRegistry>>;
let database: TestDatabase;
let pool: Pool;
let redis: ReturnType<typeof createProducerRedis>;
let queue: JobQueue<'measure'>;
let worker: SpawnedService;
let pushed: string;

beforeAll(async () => {
  [redisServer, registry, database] = await Promise.all([
    startTestRedis(),
    startTestRegistry(),
    createTestDatabase(),
  ]);
  pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 2 },
    () => undefined,
  );
  redis = createProducerRedis({ url: redisServer.url });
  await eventually(() => redis.status === 'ready');
  queue = new JobQueue('measure', redis);
  worker = await spawnService('stats-worker', {
    DATABASE_URL: database.url,
    REDIS_URL: redisServer.url,
  });
  await worker.ready();
}, 60_000);

afterAll(async () => {
  await worker.kill('SIGTERM');
  await queue.stop();
  redis.disconnect();
  await pool.end();
  await registry.stop();
  await redisServer.stop();
  await database.drop();
});

test('what a registry holds for a project is in its statistics within a minute of the measurement', async () => {
  const to = new ImagePusher(registry.url, 'acme/robots/web');
  const layer = await to.blob('l'.repeat(7_777));
  const config = await to.blob('{"architecture":"amd64"}');
  const manifest = await to.manifest(imageManifest(config, [layer]), 'latest');
  pushed = manifest.digest;
  const declaration = registryDeclarationSchema.parse({
    name: 'images',
    type: 'oci',
    url: registry.url,
    owners: [{ repository: '{organization}/{project}/…' }],
  });
  await putMeasuredTarget(pool, 'registry', 'images', declaration);
  const job = {
    kind: 'registry',
    target: 'images',
    purpose: 'asked',
    options: {},
    part: 1,
  } as const;
  await queue.add('target', job, 'registry.images');

  const bytes = layer.sizeBytes + config.sizeBytes + manifest.sizeBytes;
  await eventually(
    async () => {
      const { rows } = await pool.query<{ bytes: string; images: string }>(
        'select total_docker_storage_bytes as bytes, current_ecr_images as images from project_stats',
      );
      expect(rows.map((row) => [Number(row.bytes), Number(row.images)])).toEqual([[bytes, 1]]);
    },
    { deadlineMs: 60_000, intervalMs: 250 },
  );
  expect(
    await worker.metric('odometer_measurements_total{kind="registry",outcome="complete"}'),
  ).toBe(1);
}, 90_000);

// Goes on with what lies there by now.
test('what would take away all of it is refused until an operator accepts it by command, which is kept', async () => {
  const odometer = (...args: string[]) =>
    runOdometer(args, { DATABASE_URL: database.url, REDIS_URL: redisServer.url });
  const images = async () => {
    const { rows } = await pool.query<{ images: string }>('select images from registry_levels');
    return rows.map((row) => Number(row.images));
  };
  await new ImagePusher(registry.url, 'acme/robots/web').delete(pushed);
  const refused = await odometer('measure', 'oci', 'images');
  expect(refused.exitCode).toBe(1);
  expect(refused.stdout).toContain('1 of 1 images would vanish');
  expect(await images()).toEqual([1]);
  expect((await odometer('measure', 'oci', '--accept-drift')).exitCode).toBe(2);
  expect((await odometer('measure', 's3', 'images', '--accept-drift')).exitCode).toBe(2);
  expect((await odometer('measure', 'oci', 'images', '--accept-drift')).exitCode).toBe(0);
  expect(await images()).toEqual([0]);
  const { rows } = await pool.query('select action, subject from audit_log');
  expect(rows).toEqual([{ action: 'registry.accept_drift', subject: 'images' }]);
}, 90_000);

test('a registry that is retired by command is measured no more, and its projects have 0', async () => {
  const odometer = (...args: string[]) =>
    runOdometer(args, { DATABASE_URL: database.url, REDIS_URL: redisServer.url });
  const to = new ImagePusher(registry.url, 'acme/robots/web');
  const config = await to.blob('{"architecture":"amd64"}');
  await to.manifest(imageManifest(config, []), 'again');
  expect((await odometer('measure', 'oci', 'images')).exitCode).toBe(0);
  expect((await odometer('retire', 'registry', 'images')).stdout).toMatch(
    /images +1 +1 +\d+\n\nNothing was changed/,
  );
  const ended = await odometer('retire', 'registry', 'images', '--confirm');
  expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
  await eventually(
    async () => {
      const { rows } = await pool.query(
        'select total_docker_storage_bytes::int as bytes, current_ecr_images::int as images from project_stats',
      );
      expect(rows).toEqual([{ bytes: 0, images: 0 }]);
    },
    { deadlineMs: 60_000, intervalMs: 250 },
  );
  expect((await odometer('measure', 'oci', 'images')).stderr).toContain('by the name of images');
  expect((await odometer('retire', 'registry', 'images', '--confirm')).exitCode).toBe(1);
  const { rows } = await pool.query(
    "select subject from audit_log where action = 'registry.retire'",
  );
  expect(rows).toEqual([{ subject: 'images' }]);
}, 90_000);
