import { AwsClients } from '@odometer/aws/aws-clients';
import { SqsConsumer } from '@odometer/aws/sqs-consumer';
import { createPool } from '@odometer/database/pool';
import { addIntake } from '@odometer/intake/add-intake';
import { Backlog } from '@odometer/intake/backlog';
import { BatchProducer, type FrozenBatch } from '@odometer/intake/batch-producer';
import { IntakeBooks } from '@odometer/intake/intake-books';
import { ProducerEpoch } from '@odometer/intake/producer-epoch';
import { sourceName } from '@odometer/intake/source-name';
import type { IdentifiedMessage } from '@odometer/queues/catalogue';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis } from '@odometer/queues/redis-connection';
import { component } from '@odometer/service-kit/component';
import type { Logger } from '@odometer/service-kit/logging';
import { createRegistry } from '@odometer/service-kit/metrics';
import { redisEndpoint } from '@odometer/service-kit/redis-variables';
import { Service } from '@odometer/service-kit/service';
import { type Config, queueTarget, topicTemplate } from '../config.ts';
import { exposeIotQueue, exposeMessages } from '../metrics.ts';
import { IotIntake, ORIGIN } from './iot-intake.ts';
import { IOT_REJECTIONS } from './read-rule-message.ts';

/** One for the acknowledgement, one to seal with. */
const MAX_CONNECTIONS = 2;
/** Beyond, messages are left in their queue, which is a better place to wait than the Redis that all usage needs. */
const MAX_BACKLOG_BATCHES = 5_000;
/** Polls last 20 s; one may fail and be tried again. */
const MAX_SILENCE_MS = 60_000;

/** mqtt-counter as an intake of AWS IoT Core, put together. @returns the exit code. */
export async function runIot(config: Config, log: Logger): Promise<number> {
  const registry = createRegistry('mqtt-counter');
  const service = new Service({
    name: 'mqtt-counter',
    log,
    registry,
    admin: { host: config.adminHost, port: config.adminPort },
    shutdownDelayMs: config.shutdownDelayMs,
    shutdownDeadlineMs: config.shutdownDeadlineMs,
  });
  const source = sourceName(`iot-${config.instance}`);
  const pool = createPool(
    {
      url: config.databaseUrl,
      applicationName: `mqtt-counter ${source}`,
      maxConnections: MAX_CONNECTIONS,
    },
    (error) => log.warn({ event: 'postgres_connection_lost', error }),
  );
  const redis = createProducerRedis(redisEndpoint(config));
  const queue = new JobQueue('counts', redis);
  const aws = new AwsClients();
  const { queueUrl, ...target } = queueTarget(config);

  const books = new IntakeBooks(IOT_REJECTIONS);
  const { instance } = config;
  const epoch = new ProducerEpoch({ pool, source, instance, kind: 'mqtt', books, log });
  const enqueue = async (
    { items, ...header }: FrozenBatch<IdentifiedMessage>,
    jobId: string,
    signal: AbortSignal,
  ): Promise<void> => {
    const batch = { ...header, origin: ORIGIN, messages: items };
    await enqueueUntilDurable(queue, 'message-batch', batch, jobId, { signal });
  };
  const producer = new BatchProducer<IdentifiedMessage>({
    source,
    epoch: () => epoch.epoch,
    books,
    enqueue,
    onBug: (error) => service.fail(error),
  });
  const { perDevice } = config;
  const intake = new IotIntake({ template: topicTemplate(config), perDevice, books, producer });
  const backlog = new Backlog(queue, MAX_BACKLOG_BATCHES);
  const stopping = new AbortController();
  const consumer = new SqsConsumer({
    name: 'iot-queue',
    client: aws.sqs(target),
    queueUrl,
    receivers: config.iotReceivers,
    handle: async (message) => {
      await backlog.whenRoom(stopping.signal);
      await intake.handle(message);
    },
    log,
  });
  exposeMessages(registry, {
    accepted: () => books.accepted,
    acceptedBytes: () => intake.acceptedBytes,
    rejected: () => IOT_REJECTIONS.map((reason) => [{ reason }, books.rejected[reason]]),
  });
  exposeIotQueue(registry, consumer, aws);

  // Drained in this order; started the other way round.
  service.add('intake', consumer);
  service.add('intake', component({ name: 'room', start: () => {}, stop: () => stopping.abort() }));
  service.add('buffers', producer);
  addIntake(service, {
    queue,
    backlog,
    epoch,
    refreshed: [],
    redis,
    redisDurability: config.redisDurability,
    pool,
    log,
  });
  service.add('queues', component({ name: 'aws', start: () => {}, stop: () => aws.stop() }));

  const startedAt = Date.now();
  service.readiness('queue', () => {
    const silentMs = Date.now() - (consumer.lastReceiveAt ?? startedAt);
    const hasFailed = Object.values(consumer.counts.receiveErrors).some((count) => count > 0);
    // Before the first answer nobody knows: a poll of an empty queue takes 20 s.
    if (silentMs > MAX_SILENCE_MS || (consumer.lastReceiveAt === undefined && hasFailed)) {
      throw new Error('the queue does not answer');
    }
  });
  return service.run();
}
