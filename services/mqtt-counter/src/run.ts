import { setTimeout as sleep } from 'node:timers/promises';
import { installationId } from '@odometer/database/installation';
import { createPool } from '@odometer/database/pool';
import { waitForSchema } from '@odometer/database/wait-for-schema';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import { JobQueue } from '@odometer/queues/job-queue';
import { askForKeys, claimRedis } from '@odometer/queues/own-redis';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { checkRedisDurability } from '@odometer/queues/redis-preflight';
import { component } from '@odometer/service-kit/component';
import type { Logger } from '@odometer/service-kit/logging';
import { createRegistry } from '@odometer/service-kit/metrics';
import { periodic } from '@odometer/service-kit/periodic';
import { redisEndpoint } from '@odometer/service-kit/redis-variables';
import { Service } from '@odometer/service-kit/service';
import { checkBroker } from './broker-preflight.ts';
import { brokerUrl, type Config, topicTemplate } from './config.ts';
import { GapLog } from './gap-log.ts';
import { runIot } from './iot/run-iot.ts';
import { createMetrics, exposeCounter, exposeMessages } from './metrics.ts';
import { MqttCounter } from './mqtt-counter.ts';
import { ownFilter } from './own-filter.ts';
import { REJECTIONS } from './rejections.ts';

/** One for the acknowledgement, one for the takeover or a gap. */
const MAX_CONNECTIONS = 2;
/** A loss at the tail shows in the books this much later; one small update a second is nothing. */
const ACKNOWLEDGE_INTERVAL_MS = 1_000;
const BROKER_RETRY_MS = 1_000;
/**
 * EX_TEMPFAIL of sysexits.h: another process has our client id. Not 0, or a supervisor would think the work done; not 1,
 * so that it can be told from a failure.
 */
const EXIT_TAKEN_OVER = 75;

/** mqtt-counter: of a broker, or of a queue that AWS IoT Core fills. @returns the exit code. */
export async function run(config: Config, log: Logger): Promise<number> {
  return config.iotQueueUrl === undefined ? runMqtt(config, log) : runIot(config, log);
}

/** mqtt-counter as a subscriber of a broker, put together. */
async function runMqtt(config: Config, log: Logger): Promise<number> {
  const registry = createRegistry('mqtt-counter');
  const service = new Service({
    name: 'mqtt-counter',
    log,
    registry,
    admin: { host: config.adminHost, port: config.adminPort },
    shutdownDelayMs: config.shutdownDelayMs,
    shutdownDeadlineMs: config.shutdownDeadlineMs,
  });
  const pool = createPool(
    {
      url: config.databaseUrl,
      applicationName: `mqtt-counter ${config.clientId}`,
      maxConnections: MAX_CONNECTIONS,
    },
    (error) => log.warn({ event: 'postgres_connection_lost', error }),
  );
  const redis = createProducerRedis(redisEndpoint(config));
  const queue = new JobQueue('counts', redis);
  const metrics = createMetrics(registry);
  const gaps = new GapLog(pool, (gap) => {
    metrics.countGap(gap);
    log.warn({ event: 'gap_noted', reason: gap.reason, detail: gap.detail });
  });
  const endpoint = { ...config, url: brokerUrl(config) };
  const template = topicTemplate(config);
  let takenOver = false;
  const counter = new MqttCounter({
    endpoint,
    template,
    filter: ownFilter(config, template),
    clientId: config.clientId,
    instance: config.instance,
    perDevice: config.perDevice,
    keepaliveSeconds: config.keepaliveSeconds,
    sessionExpirySeconds: config.sessionExpirySeconds,
    pool,
    queue,
    gaps,
    log,
    onFlush: metrics.observeFlush,
    onFlushRetry: metrics.countFlushRetry,
    onReconnect: metrics.countReconnect,
    onTakenOver: () => {
      takenOver = true;
      service.fail(new OdometerError('session_taken_over', { clientId: config.clientId }));
    },
    onBug: (error) => service.fail(error instanceof Error ? error : new Error(String(error))),
  });
  exposeCounter(registry, counter);
  exposeMessages(registry, {
    accepted: () => counter.counter?.books.accepted ?? 0,
    acceptedBytes: () => counter.counter?.acceptedBytes ?? 0,
    rejected: () =>
      REJECTIONS.map((reason) => [{ reason }, counter.counter?.rejected[reason] ?? 0]),
  });

  // Drained in this order; started the other way round.
  service.add('intake', counter);
  service.add(
    'workers',
    component({
      name: 'broker-preflight',
      start: (signal) => waitForBroker(config, signal, log),
      stop: () => {},
    }),
  );
  service.add('queues', queue);
  service.add(
    'queues',
    periodic({
      name: 'acknowledgement',
      intervalMs: ACKNOWLEDGE_INTERVAL_MS,
      run: () => counter.acknowledge(),
      log,
    }),
  );
  service.add(
    'redis',
    component({
      name: 'redis',
      start: async () => {
        await checkRedisDurability(redis, config.redisDurability, log);
        await claimRedis(redis, await installationId(pool));
      },
      stop: () => redis.disconnect(),
    }),
  );
  service.add(
    'postgres',
    component({
      name: 'postgres',
      start: (signal) => waitForSchema(pool, signal, log),
      stop: () => pool.end(),
    }),
  );

  service.readiness('broker', () => {
    if (!counter.isLive) throw new Error('not subscribed');
  });
  service.readiness('redis', () => askForKeys(redis));
  const exitCode = await service.run();
  return takenOver ? EXIT_TAKEN_OVER : exitCode;
}

/** Checks the broker as soon as it answers. @throws OdometerError `broker_unsuitable` */
async function waitForBroker(config: Config, signal: AbortSignal, log: Logger): Promise<void> {
  let lastReason = '';
  while (!signal.aborted) {
    try {
      const topic = `${config.probeTopic}/${config.clientId}`;
      const warning = await checkBroker(
        { ...config, url: brokerUrl(config) },
        config.clientId,
        topic,
      );
      if (warning !== undefined) log.warn({ event: 'broker_not_checked', reason: warning });
      return;
    } catch (error) {
      if (isOdometerError(error, 'broker_unsuitable')) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== lastReason) log.warn({ event: 'waiting_for_broker', error });
      lastReason = reason;
    }
    await sleep(BROKER_RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}
