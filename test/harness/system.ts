import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApiKey } from '@odometer/database/api-keys';
import { createPool, type Pool } from '@odometer/database/pool';
import type { MosquittoServer } from '@odometer/local-stack/mosquitto';
import type { PostgresServer } from '@odometer/local-stack/postgres';
import type { RedisServer } from '@odometer/local-stack/redis';
import { freePort } from '@odometer/local-stack/tcp-port';
import { QUEUE_NAMES, type QueueName } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { startTestBroker } from '@odometer/testing/test-broker';
import { startTestPostgres } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import type { TestServer } from '@odometer/testing/test-server';
import { KeptService } from './kept-service.ts';
import { Oracle } from './oracle.ts';
import type { PlantedBug } from './planted-bug.ts';
import { Publisher } from './publisher.ts';

const FAILURES = fileURLToPath(new URL('../../.odometer/test-failures', import.meta.url));

/** Two cores may be busy with other tests; a service that cannot start ends by itself, and is noticed at once. */
const READY_DEADLINE_MS = 100_000;

export interface SystemOptions {
  /** @default 1 */
  readonly workers?: number;
  /** Without it nothing counts messages. @default true */
  readonly counter?: boolean;
  /** Each an instance of its own; clients use them in turn. @default 1 */
  readonly ingests?: number;
  /** Whether notifications of buckets are taken, over HTTP. @default false */
  readonly watcher?: boolean;
  /** Services run with this bug in their compiled code. */
  readonly bug?: PlantedBug;
  /** Where services find Redis, instead of at itself. Called with its address. */
  readonly redisUrlFor?: (service: string, url: string) => Promise<string>;
  /** More environment for all services. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A whole Odometer of one test file: durable Postgres, Redis with AOF `always`, Mosquitto with persistence, and the
 * services as real processes, on ports and data of their own. Everything may be killed; services are started again.
 */
export class System {
  readonly postgres: TestServer<PostgresServer>;
  readonly redis: TestServer<RedisServer>;
  readonly broker: TestServer<MosquittoServer>;
  readonly db: Pool;
  readonly queues: ReadonlyMap<QueueName, JobQueue<QueueName>>;
  readonly workers: readonly KeptService[];
  readonly counter: KeptService | undefined;
  readonly watcher: KeptService | undefined;
  /** Where stores post notifications, up to the path of the declaration. */
  readonly notificationsUrl: string;
  readonly ingests: readonly KeptService[];
  readonly ingestUrls: readonly string[];
  readonly apiKey: string;
  readonly oracle = new Oracle();
  readonly publisher: Publisher;
  /** What no test asked for, as it happened. */
  readonly unexpected: string[];
  readonly #closeRedis: () => void;

  private constructor(
    parts: Omit<
      System,
      'oracle' | 'publisher' | 'stop' | 'stopServices' | 'saveLogs' | 'services'
    > & {
      readonly closeRedis: () => void;
    },
  ) {
    this.postgres = parts.postgres;
    this.redis = parts.redis;
    this.broker = parts.broker;
    this.db = parts.db;
    this.queues = parts.queues;
    this.workers = parts.workers;
    this.counter = parts.counter;
    this.watcher = parts.watcher;
    this.notificationsUrl = parts.notificationsUrl;
    this.ingests = parts.ingests;
    this.ingestUrls = parts.ingestUrls;
    this.apiKey = parts.apiKey;
    this.unexpected = parts.unexpected;
    this.#closeRedis = parts.closeRedis;
    this.publisher = new Publisher(this.broker.port, this.oracle, 'test-publisher');
  }

  /** Starts everything and waits until every service is ready. */
  static async start(options: SystemOptions = {}): Promise<System> {
    const [postgres, redis, broker] = await Promise.all([
      startTestPostgres(),
      startTestRedis(),
      startTestBroker(),
    ]);
    const db = createPool(
      { url: postgres.url, applicationName: 'crash test', maxConnections: 4 },
      () => {},
    );
    const apiKey = `odo_${randomBytes(16).toString('hex')}`;
    await createApiKey(db, {
      name: 'crash test',
      hash: hash('sha256', apiKey),
      organization: null,
      scopes: ['ingest'],
    });
    const connection = createProducerRedis({ url: redis.url });
    const unexpected: string[] = [];
    const ports = await Promise.all(Array.from({ length: options.ingests ?? 1 }, () => freePort()));
    const watcherPort = await freePort();
    const service = async (
      name: string,
      instance: string,
      env: Readonly<Record<string, string>> = {},
    ) =>
      new KeptService(
        name,
        instance,
        {
          DATABASE_URL: postgres.url,
          REDIS_URL: (await options.redisUrlFor?.(name, redis.url)) ?? redis.url,
          MQTT_URL: broker.url,
          ODOMETER_INSTANCE: instance,
          ...options.env,
          ...options.bug?.environment(name),
          ...env,
        },
        (what) => unexpected.push(what),
      );
    const system = new System({
      postgres,
      redis,
      broker,
      db,
      queues: new Map(QUEUE_NAMES.map((name) => [name, new JobQueue(name, connection)])),
      workers: await Promise.all(
        Array.from({ length: options.workers ?? 1 }, (_, i) =>
          service('stats-worker', `stats-worker-${i}`),
        ),
      ),
      counter:
        options.counter === false ? undefined : await service('mqtt-counter', 'mqtt-counter-0'),
      watcher:
        options.watcher === true
          ? await service('s3-usage-watcher', 's3-usage-watcher-0', {
              ODOMETER_STORAGE_HOST: '127.0.0.1',
              ODOMETER_STORAGE_PORT: String(watcherPort),
              ODOMETER_STORAGE_REFRESH_MS: '200',
            })
          : undefined,
      notificationsUrl: `http://127.0.0.1:${watcherPort}/webhooks/storage`,
      ingests: await Promise.all(
        ports.map((port, i) =>
          service('ingest-api', `ingest-api-${i}`, {
            ODOMETER_INGEST_HOST: '127.0.0.1',
            ODOMETER_INGEST_PORT: String(port),
          }),
        ),
      ),
      ingestUrls: ports.map((port) => `http://127.0.0.1:${port}`),
      apiKey,
      unexpected,
      closeRedis: () => connection.disconnect(),
    });
    await Promise.all(
      system.services.map(async (each) => {
        await each.start();
        await each.process.ready(READY_DEADLINE_MS);
      }),
    );
    return system;
  }

  get services(): readonly KeptService[] {
    return [...this.#producers, ...this.workers];
  }

  get #producers(): readonly KeptService[] {
    return [...this.ingests, this.counter, this.watcher].filter((each) => each !== undefined);
  }

  /**
   * Stops the services as a deployment would, those that take first. Safe to repeat.
   * @returns what was wrong with a service's end.
   */
  async stopServices(): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const stage of [this.#producers, this.workers]) {
      problems.push(...(await Promise.all(stage.map((each) => each.stop()))).flat());
    }
    return problems;
  }

  /** Stops everything, also after a failure in the middle of a fault. */
  async stop(): Promise<void> {
    this.publisher.close();
    await this.stopServices();
    this.#closeRedis();
    await this.db.end();
    await Promise.all([this.broker.stop(), this.redis.stop(), this.postgres.stop()]);
  }

  /** Keeps every log for whoever looks into a failure. @returns where. */
  saveLogs(name: string): string {
    const directory = join(FAILURES, name);
    mkdirSync(directory, { recursive: true });
    for (const service of this.services) {
      for (const [life, log] of service.logs.entries()) {
        writeFileSync(join(directory, `${service.instance}.${life}.log`), log);
      }
    }
    return directory;
  }
}
