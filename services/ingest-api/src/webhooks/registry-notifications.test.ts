import { hash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPool, type Pool } from '@odometer/database/pool';
import { putWebhook } from '@odometer/database/webhooks';
import { batchJobId } from '@odometer/domain/batch';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { OWN_USER_AGENT } from '@odometer/domain/registries/own-user-agent';
import { webhookDeclarationSchema } from '@odometer/domain/webhook-declaration';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { ImagePusher, imageManifest } from '@odometer/testing/push-image';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { startTestRegistry } from '@odometer/testing/test-registry';

/** Docker's own registry telling the compiled service of what is pushed and pulled. */

const TOKEN = 'token of the registry';

let redisServer: Awaited<ReturnType<typeof startTestRedis>>;
let registry: Awaited<ReturnType<typeof startTestRegistry>>;
let database: TestDatabase;
let pool: Pool;
let redis: ReturnType<typeof createProducerRedis>;
let queue: JobQueue<'events'>;
let service: SpawnedService;
let port = 0;

async function startService(): Promise<SpawnedService> {
  const spawned = await spawnService('ingest-api', {
    DATABASE_URL: database.url,
    REDIS_URL: redisServer.url,
    ODOMETER_INGEST_HOST: '127.0.0.1',
    ODOMETER_INGEST_PORT: String(port),
    ODOMETER_INSTANCE: 'registry-test',
  });
  await spawned.ready();
  port = Number(/"event":"listening".*"port":(\d+)/.exec(spawned.log())?.[1]);
  return spawned;
}

beforeAll(async () => {
  [redisServer, database] = await Promise.all([startTestRedis(), createTestDatabase()]);
  pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 2 },
    () => undefined,
  );
  const webhook = webhookDeclarationSchema.parse({
    name: 'registry',
    kind: 'distribution',
    tokenHash: hash('sha256', TOKEN),
    owners: [{ repository: '{organization}/{project}/…' }],
  });
  await putWebhook(pool, 'registry', webhook);
  redis = createProducerRedis({ url: redisServer.url });
  await eventually(() => redis.status === 'ready');
  queue = new JobQueue('events', redis);
  service = await startService();
  registry = await startTestRegistry({
    notifications: {
      url: `http://127.0.0.1:${port}/webhooks/registry`,
      headers: { Authorization: `Bearer ${TOKEN}` },
    },
  });
}, 60_000);

afterAll(async () => {
  await registry.stop();
  await service.kill();
  await queue.stop();
  redis.disconnect();
  await pool.end();
  await redisServer.stop();
  await database.drop();
});

async function storedEvents(): Promise<readonly EventEnvelope[]> {
  const { rows } = await pool.query<{ epoch: string }>(
    'select epoch from source_epochs order by epoch',
  );
  const events: EventEnvelope[] = [];
  for (const { epoch } of rows) {
    for (let seq = 1; ; seq += 1) {
      const job = await queue.get(batchJobId({ source: 'registry-test', epoch, seq }));
      if (job === undefined || !('events' in job.data)) break;
      events.push(...job.data.events);
    }
  }
  return events;
}

/** Values of all events of a type, sorted. */
async function values(type: string): Promise<readonly number[]> {
  return (await storedEvents())
    .filter((event) => event.type === type)
    .map(({ data }) => Number((data as { readonly value: number }).value))
    .sort((a, b) => a - b);
}

test('what is pushed and pulled counts with its bytes, for the project of the repository', async () => {
  const to = new ImagePusher(registry.url, 'acme/robots/web');
  const layer = await to.blob('l'.repeat(12_345));
  const config = await to.blob('{"architecture":"amd64"}');
  const manifest = await to.manifest(imageManifest(config, [layer]), 'latest');
  const pushed = [config.sizeBytes, manifest.sizeBytes, layer.sizeBytes].sort((a, b) => a - b);
  await eventually(async () => (await values('docker_upload_bytes')).length === 3);
  expect(await values('docker_upload_bytes')).toEqual(pushed);

  // Asking whether something is there, and taking it over from another repository, moves nothing.
  await to.get(`/blobs/${layer.digest}`, 'HEAD');
  await to.get('/manifests/latest', 'HEAD');
  await new ImagePusher(registry.url, 'acme/drones/web').mount(layer, 'acme/robots/web');
  await to.get('/manifests/latest');
  await to.get(`/blobs/${layer.digest}`);
  await eventually(async () => (await values('docker_download_bytes')).length === 2);
  expect(await values('docker_download_bytes')).toEqual([manifest.sizeBytes, layer.sizeBytes]);
  expect(await values('docker_upload_bytes')).toEqual(pushed);
  for (const { organization, project, source } of await storedEvents()) {
    expect({ organization, project, source }).toEqual({
      organization: 'acme',
      project: 'robots',
      source: 'distribution/registry',
    });
  }
});

test('what Odometer reads of a registry that asks nobody who they are is no download, of whomever it is', async () => {
  const to = new ImagePusher(registry.url, 'acme/robots/read');
  const layer = await to.blob('r'.repeat(4_321));
  const manifest = await to.manifest(imageManifest(layer, [layer]), 'latest');
  const before = await values('docker_download_bytes');
  const read = async (path: string, agent: string) => {
    const answer = await fetch(`${registry.url}/v2/acme/robots/read${path}`, {
      headers: { 'User-Agent': agent, Accept: manifest.mediaType },
    });
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(100);
  };
  await read('/manifests/latest', OWN_USER_AGENT);
  await read('/manifests/latest', 'odometer-of-a-car/1.0');
  // Whoever calls himself so downloads no layers for nothing.
  await read(`/blobs/${layer.digest}`, OWN_USER_AGENT);
  // The registry tells of one after the other.
  await eventually(async () => (await values('docker_download_bytes')).includes(4_321));
  expect(await values('docker_download_bytes')).toEqual(
    [...before, manifest.sizeBytes, 4_321].sort((a, b) => a - b),
  );
});

test('what is pushed while ingest-api is down comes when it is back, once', async () => {
  const before = (await values('docker_upload_bytes')).length;
  await service.kill();
  await new ImagePusher(registry.url, 'acme/robots/late').blob('pushed in the meantime');
  service = await startService();
  await eventually(async () => (await values('docker_upload_bytes')).length > before, {
    deadlineMs: 20_000,
  });
  const ids = (await storedEvents()).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await values('docker_upload_bytes')).toContain('pushed in the meantime'.length);
}, 40_000);

test('whoever does not know the token is sent away', async () => {
  const answer = await fetch(`http://127.0.0.1:${port}/webhooks/registry`, {
    method: 'POST',
    headers: { Authorization: 'Bearer another' },
    body: JSON.stringify({ events: [] }),
  });
  expect(answer.status).toBe(401);
});

test('what maps to nobody is refused by itself, with the others of its envelope accepted', async () => {
  const event = (id: string, repository: string) => ({
    id,
    timestamp: new Date().toISOString(),
    action: 'push',
    target: { repository, size: 7, digest: `sha256:${'0'.repeat(64)}` },
    request: { method: 'PUT' },
  });
  const answer = await fetch(`http://127.0.0.1:${port}/webhooks/registry`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ events: [event('m1', 'stray'), event('m2', 'acme/robots/web')] }),
  });
  expect(await answer.json()).toEqual({ accepted: 1, ignored: 0, rejected: 1 });
});
