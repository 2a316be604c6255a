import { putBucket } from '@odometer/database/objects/buckets';
import { createPool, inTransaction, type Pool } from '@odometer/database/pool';
import { bucketDeclarationSchema } from '@odometer/domain/objects/bucket-declaration';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import type { ObjectBatch, RefusedNotification } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { type TcpProxy, tcpProxy } from '@odometer/testing/tcp-proxy';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';

/** Redis and Postgres of a test file, each behind a proxy that can cut them off, and watchers as processes. */
export class WatcherFixture {
  readonly redisServer: Awaited<ReturnType<typeof startTestRedis>>;
  readonly database: TestDatabase;
  readonly pool: Pool;
  readonly queue: JobQueue<'objects'>;
  readonly redisProxy: TcpProxy;
  readonly postgresProxy: TcpProxy;
  readonly #redis: ReturnType<typeof createProducerRedis>;
  readonly #spawned: SpawnedService[] = [];

  private constructor(
    parts: Pick<WatcherFixture, 'redisServer' | 'database' | 'redisProxy' | 'postgresProxy'>,
  ) {
    this.redisServer = parts.redisServer;
    this.database = parts.database;
    this.redisProxy = parts.redisProxy;
    this.postgresProxy = parts.postgresProxy;
    this.pool = createPool(
      { url: parts.database.url, applicationName: 'test', maxConnections: 2 },
      () => undefined,
    );
    this.#redis = createProducerRedis({ url: parts.redisServer.url });
    this.queue = new JobQueue('objects', this.#redis);
  }

  static async start(): Promise<WatcherFixture> {
    const [redisServer, database] = await Promise.all([startTestRedis(), createTestDatabase()]);
    const redisProxy = await tcpProxy(redisServer.port);
    const postgresProxy = await tcpProxy(Number(new URL(database.url).port));
    return new WatcherFixture({ redisServer, database, redisProxy, postgresProxy });
  }

  /** Forgets what one test declared and stored. */
  async cleanUp(): Promise<void> {
    this.redisProxy.pass();
    this.postgresProxy.pass();
    await Promise.all(this.#spawned.splice(0).map((service) => service.kill()));
    await this.pool.query('truncate buckets cascade');
    await eventually(() => this.queue.run((redis) => redis.flushall()));
  }

  async stop(): Promise<void> {
    await this.cleanUp();
    await this.queue.stop();
    this.#redis.disconnect();
    await this.pool.end();
    await this.redisProxy.close();
    await this.postgresProxy.close();
    await this.redisServer.stop();
    await this.database.drop();
  }

  /** Declares a bucket whose store calls it as we do. @returns its id */
  async declare(name: string, notifications: object, more: object = {}): Promise<number> {
    const declaration = bucketDeclarationSchema.parse({
      name,
      bucket: name,
      notifications,
      ...more,
    });
    return inTransaction(this.pool, async (transaction) => {
      const { id } = await putBucket(transaction, declaration);
      return id;
    });
  }

  /** Starts a watcher; returns when it is ready and has read the declarations. */
  async watcher(env: Readonly<Record<string, string>> = {}): Promise<SpawnedService> {
    const service = await spawnService('s3-usage-watcher', {
      DATABASE_URL: this.postgresProxy.url(this.database.url),
      REDIS_URL: this.redisProxy.url(this.redisServer.url),
      ODOMETER_STORAGE_HOST: '127.0.0.1',
      ODOMETER_STORAGE_PORT: '0',
      ODOMETER_STORAGE_REFRESH_MS: '200',
      ODOMETER_STORAGE_CONFIRM_DEADLINE_MS: '1000',
      ODOMETER_INSTANCE: `test-${this.#spawned.length}`,
      ...env,
    });
    this.#spawned.push(service);
    await service.ready();
    return service;
  }

  /** What Redis holds: what a worker would process. No worker runs in these tests. */
  async jobs(): Promise<{
    readonly batches: readonly ObjectBatch[];
    readonly refused: readonly RefusedNotification[];
  }> {
    const ids = await this.queue.run((redis) => redis.lrange(this.queue.key('wait'), 0, -1));
    const batches: ObjectBatch[] = [];
    const refused: RefusedNotification[] = [];
    for (const id of ids.toReversed()) {
      const job = await this.queue.get(id);
      if (job?.name === 'object-batch') batches.push(job.data);
      if (job?.name === 'refused-notification') refused.push(job.data);
    }
    return { batches, refused };
  }

  async changes(): Promise<readonly ObjectChange[]> {
    return (await this.jobs()).batches.flatMap(({ changes }) => changes);
  }

  /** Keys of all changes, sorted: one that is in two batches appears twice. */
  async keys(): Promise<readonly string[]> {
    return (await this.changes()).map(({ key }) => key).sort();
  }

  /** A metric of a watcher; 0 when it has not been set. */
  async metric(service: SpawnedService, series: string): Promise<number> {
    return (await service.metric(series)) ?? 0;
  }
}

let lastSequencer = 0x5f00_0000;

/** A record as S3 sends it: an object was put. */
export function putRecord(bucket: string, key: string, size: unknown = 1): object {
  lastSequencer += 1;
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'us-east-1',
    eventTime: '2026-01-02T03:04:05.678Z',
    eventName: 'ObjectCreated:Put',
    s3: {
      bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
      object: { key, size, sequencer: `00${lastSequencer.toString(16).toUpperCase()}` },
    },
  };
}

export function message(...records: readonly object[]): string {
  return JSON.stringify({ Records: records });
}

export function putMessage(bucket: string, key: string): string {
  return message(putRecord(bucket, key));
}
