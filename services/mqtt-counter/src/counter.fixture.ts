import { connect as connectSocket } from 'node:net';
import { createPool, type Pool } from '@odometer/database/pool';
import { batchJobId } from '@odometer/domain/batch';
import { parseTopicTemplate } from '@odometer/domain/topic-template';
import type { CountBatch } from '@odometer/queues/catalogue';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { eventually } from '@odometer/testing/eventually';
import { type TcpProxy, tcpProxy } from '@odometer/testing/tcp-proxy';
import { startTestBroker } from '@odometer/testing/test-broker';
import { createTestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { connectAsync, type MqttClient } from 'mqtt';
import { generate } from 'mqtt-packet';
import { pino } from 'pino';
import { GapLog } from './gap-log.ts';
import { MqttCounter, type MqttCounterParts } from './mqtt-counter.ts';

/** A counter behind proxies of its own, so that a test can freeze it as SIGSTOP or a dead machine would. */
export interface TestCounter {
  readonly mqtt: MqttCounter;
  readonly broker: TcpProxy;
  readonly redis: TcpProxy;
  readonly postgres: TcpProxy;
  readonly flushed: readonly CountBatch[];
  readonly retries: () => number;
  readonly isTakenOver: () => boolean;
  readonly bugs: readonly unknown[];
  /** Cuts it off from everything, for good unless `thaw` is called. */
  freeze(): void;
  thaw(): void;
}

/** Broker, Redis and Postgres for a test file, and counters on them. */
export class CounterFixture {
  readonly broker: Awaited<ReturnType<typeof startTestBroker>>;
  readonly redis: Awaited<ReturnType<typeof startTestRedis>>;
  readonly database: Awaited<ReturnType<typeof createTestDatabase>>;
  readonly pool: Pool;
  readonly publisher: MqttClient;
  readonly queue: JobQueue<'counts'>;
  readonly #queueRedis: ReturnType<typeof createProducerRedis>;
  readonly #cleanups: (() => Promise<unknown> | unknown)[] = [];
  #sources = 0;

  private constructor(
    servers: Pick<CounterFixture, 'broker' | 'redis' | 'database' | 'publisher'>,
  ) {
    this.broker = servers.broker;
    this.redis = servers.redis;
    this.database = servers.database;
    this.publisher = servers.publisher;
    this.pool = pool(this.database.url);
    this.#queueRedis = createProducerRedis({ url: this.redis.url });
    this.queue = new JobQueue('counts', this.#queueRedis);
  }

  static async start(): Promise<CounterFixture> {
    const [broker, redis, database] = await Promise.all([
      startTestBroker(),
      startTestRedis(),
      createTestDatabase(),
    ]);
    const publisher = await connectAsync(broker.url, { protocolVersion: 5 });
    return new CounterFixture({ broker, redis, database, publisher });
  }

  /** Ends the counters of one test. */
  async cleanUp(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).toReversed()) await cleanup();
  }

  async stop(): Promise<void> {
    await this.cleanUp();
    await this.publisher.endAsync(true);
    await this.queue.stop();
    this.#queueRedis.disconnect();
    await this.pool.end();
    await this.database.drop();
    await this.redis.stop();
    await this.broker.stop();
  }

  newSource(): string {
    this.#sources += 1;
    return `counter-${this.#sources}`;
  }

  /** Starts a counter for topics below the source's name; returns at once. */
  async counter(source: string, parts: Partial<MqttCounterParts> = {}): Promise<TestCounter> {
    const broker = await tcpProxy(this.broker.port);
    const redisProxy = await tcpProxy(this.redis.port);
    const postgres = await tcpProxy(Number(new URL(this.database.url).port));
    const redis = createProducerRedis({
      url: redisProxy.url(this.redis.url),
      commandTimeoutMs: 500,
    });
    const queue = new JobQueue('counts', redis);
    const ownPool = pool(postgres.url(this.database.url));
    const template = parseTopicTemplate(`${source}/{organization}/{project}/{device}/#`, ['cmd']);
    if (typeof template === 'string') throw new Error(template);
    const flushed: CountBatch[] = [];
    const bugs: unknown[] = [];
    let retries = 0;
    let takenOver = false;
    const mqtt = new MqttCounter({
      endpoint: {
        url: broker.url(this.broker.url),
        username: undefined,
        password: undefined,
        tlsCaFile: undefined,
        tlsCertificateFile: undefined,
        tlsKeyFile: undefined,
      },
      clientId: source,
      instance: 'test',
      template,
      filter: template.filter,
      perDevice: true,
      keepaliveSeconds: 30,
      sessionExpirySeconds: 3600,
      pool: ownPool,
      queue,
      gaps: new GapLog(ownPool, () => {}),
      log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
      onFlush: (batch) => flushed.push(batch),
      onFlushRetry: () => {
        retries += 1;
      },
      onReconnect: () => {},
      onTakenOver: () => {
        takenOver = true;
      },
      onBug: (error) => bugs.push(error),
      ...parts,
    });
    const thaw = (): void => {
      for (const proxy of [broker, redisProxy, postgres]) proxy.pass();
    };
    this.#cleanups.push(async () => {
      thaw();
      await mqtt.stop();
      await queue.stop();
      redis.disconnect();
      await ownPool.end();
      for (const proxy of [broker, redisProxy, postgres]) await proxy.close();
    });
    mqtt.start().catch((error: unknown) => bugs.push(error));
    return {
      mqtt,
      broker,
      redis: redisProxy,
      postgres,
      flushed,
      retries: () => retries,
      isTakenOver: () => takenOver,
      bugs,
      freeze: () => {
        for (const proxy of [broker, redisProxy, postgres]) proxy.refuse();
      },
      thaw,
    };
  }

  async liveCounter(source: string, parts: Partial<MqttCounterParts> = {}): Promise<TestCounter> {
    const counter = await this.counter(source, parts);
    await eventually(() => counter.mqtt.isLive);
    return counter;
  }

  async publish(topic: string, count: number, qos: 0 | 1 = 1, payload = 'xyz'): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, () => this.publisher.publishAsync(topic, payload, { qos })),
    );
  }

  /** Publishes very many QoS 1 messages, past MQTT.js, and resolves when the broker has acknowledged them all. */
  async publishRaw(topic: string, count: number): Promise<void> {
    const socket = connectSocket(this.broker.port, '127.0.0.1');
    let puback = (): void => {};
    let pubackBytes = 0;
    socket.on('data', (bytes) => {
      pubackBytes += bytes.length;
      puback();
    });
    const connect = { protocolId: 'MQTT', clean: true, clientId: `raw-${count}`, keepalive: 0 };
    socket.write(generate({ cmd: 'connect', protocolVersion: 4, ...connect } as never));
    const connackBytes = 4;
    const acknowledged = async (messages: number): Promise<void> => {
      while (pubackBytes < connackBytes + messages * 4) {
        await new Promise<void>((resolve) => {
          puback = resolve;
        });
      }
    };
    await acknowledged(0);
    const flags = { qos: 1, dup: false, retain: false } as const;
    for (let sent = 0; sent < count; ) {
      const block: Buffer[] = [];
      for (; block.length < 5_000 && sent < count; sent += 1) {
        const messageId = (sent % 65_535) + 1;
        block.push(generate({ cmd: 'publish', topic, payload: 'x', messageId, ...flags }));
      }
      socket.write(Buffer.concat(block));
      await acknowledged(sent);
    }
    socket.destroy();
  }

  /** The flushes of a source that Redis holds, in order: what a worker would apply. No worker runs in these tests. */
  async durable(source: string): Promise<CountBatch[]> {
    const { rows } = await this.pool.query<{ epoch: string }>(
      'select epoch from source_epochs where source = $1 order by epoch',
      [source],
    );
    const batches: CountBatch[] = [];
    for (const { epoch } of rows) {
      for (let seq = 1; ; seq += 1) {
        const job = await this.queue.get(batchJobId({ source, epoch, seq }));
        if (job?.name !== 'count-batch') break;
        batches.push(job.data);
      }
    }
    return batches;
  }

  /** Messages by `organization/project/device`, both directions. */
  async totals(source: string): Promise<Record<string, number>> {
    const totals: Record<string, number> = {};
    for (const { hours } of await this.durable(source)) {
      for (const { counts } of hours) {
        for (const [organization, project, device, inbound, , , outbound] of counts) {
          const owner = `${organization}/${project}/${device}`;
          totals[owner] = (totals[owner] ?? 0) + inbound + outbound;
        }
      }
    }
    return totals;
  }

  async gaps(source: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ reason: string }>(
      'select reason from gaps where source = $1 order by id',
      [source],
    );
    return rows.map(({ reason }) => reason);
  }
}

function pool(url: string): Pool {
  return createPool({ url, applicationName: 'test', maxConnections: 2 }, () => {});
}
