import { spawnService } from '@odometer/testing/spawn-service';
import { startTestBroker } from '@odometer/testing/test-broker';
import type pg from 'pg';
import { cpuTimes, noteCpu } from '../cpu-per-item.ts';
import { peakMemoryBytes } from '../cpu-time.ts';
import { registerFleet } from '../fleet.ts';
import { wallClockMs } from '../program.ts';
import type { Servers } from '../servers.ts';
import { profileEnv, type Settings } from '../settings.ts';
import { type Program, startProgram } from '../start-program.ts';
import { waitUntil } from '../wait-until.ts';
import type { SubscriberOptions, WaitCommand, WaitResult } from './bare-subscriber.ts';
import type { PublishCommand, PublisherOptions, PublishResult } from './publisher.ts';

/** What the counter subscribes to by default. */
const FILTER = 'roboticks/+/+/+/#';
/** Seldom enough to cost the counter nothing. */
const METRICS_INTERVAL_MS = 250;

/** What is published in a run, and through which broker. */
export interface MqttLoad {
  readonly qos: 0 | 1;
  readonly upgradeOutgoingQos: boolean;
  readonly projects: number;
  /** Messages before the clock starts. */
  readonly warmUp: number;
  readonly messages: number;
  /** At this rate; as fast as possible without. */
  readonly perSecond?: number;
}

export interface CounterRun {
  /** Messages per second, from the first publish to the last one being durable in the queue. */
  readonly rate: number;
  /** From the last message reaching the counter to the totals in Postgres being complete, at most. */
  readonly totalsLagMs: number;
  readonly counterPeakMemoryBytes: number | undefined;
}

type Publisher = Program<PublishCommand, PublishResult>;

/** A broker and a publisher of one run's own. */
async function withTraffic<Result>(
  load: MqttLoad,
  use: (
    broker: { readonly url: string; readonly pid: number },
    publisher: Publisher,
  ) => Promise<Result>,
): Promise<Result> {
  const broker = await startTestBroker({ upgradeOutgoingQos: load.upgradeOutgoingQos });
  try {
    const options: PublisherOptions = { port: broker.port, ...load };
    const publisher: Publisher = await startProgram(import.meta.url, 'publisher', options);
    const result = await use(broker, publisher);
    await publisher.stop();
    return result;
  } finally {
    await broker.stop();
  }
}

function command({ messages, perSecond }: MqttLoad): PublishCommand {
  return perSecond === undefined ? { count: messages } : { count: messages, perSecond };
}

/** @returns messages per second, from the first publish to the last one being counted in memory. */
export function bareSubscriberRate(load: MqttLoad): Promise<number> {
  return withTraffic(load, async (broker, publisher) => {
    const options: SubscriberOptions = { url: broker.url, filter: FILTER };
    const subscriber = await startProgram<SubscriberOptions, WaitCommand, WaitResult>(
      import.meta.url,
      'bare-subscriber',
      options,
    );
    await publisher.run({ count: load.warmUp });
    await subscriber.run({ count: load.warmUp });
    const pids = { subscriber: subscriber.pid, broker: broker.pid, publisher: publisher.pid };
    const before = cpuTimes(pids);
    const [{ startedAtMs }, { reachedAtMs }] = await Promise.all([
      publisher.run(command(load)),
      subscriber.run({ count: load.warmUp + load.messages }),
    ]);
    noteCpu(pids, before, load.messages);
    await subscriber.stop();
    return (load.messages * 1_000) / (reachedAtMs - startedAtMs);
  });
}

/** The whole path: mqtt-counter, Redis, stats-worker and Postgres, all on this machine. */
export function counterRun(
  servers: Servers,
  settings: Settings,
  load: MqttLoad,
): Promise<CounterRun> {
  return servers.withFresh(async (databaseUrl, db) => {
    await registerFleet(db, load.projects);
    return withTraffic(load, async (broker, publisher) => {
      const env = {
        DATABASE_URL: databaseUrl,
        REDIS_URL: servers.redisUrl,
        MQTT_URL: broker.url,
        ODOMETER_INSTANCE: 'bench',
        ...profileEnv(settings),
      };
      const worker = await spawnService('stats-worker', env);
      const counter = await spawnService('mqtt-counter', env);
      try {
        await Promise.all([worker.ready(), counter.ready()]);
        await publisher.run({ count: load.warmUp });
        await applied(db, load.warmUp);
        const total = load.warmUp + load.messages;
        const pids = {
          ...servers.pids,
          counter: counter.pid,
          worker: worker.pid,
          broker: broker.pid,
          publisher: publisher.pid,
        };
        const before = cpuTimes(pids);
        const arrival = watchArrival(counter.metric, total);
        const { startedAtMs } = await publisher.run(command(load));
        await applied(db, total);
        const completeAtMs = wallClockMs();
        const durableAtMs = await lastFlushAtMs(counter.metric);
        const arrivedAfterMs = await arrival;
        noteCpu(pids, before, load.messages);
        const counterPeakMemoryBytes = peakMemoryBytes(counter.pid);
        await counter.kill('SIGTERM');
        await assertExact(db, total);
        return {
          rate: (load.messages * 1_000) / (durableAtMs - startedAtMs),
          totalsLagMs: completeAtMs - arrivedAfterMs,
          counterPeakMemoryBytes,
        };
      } finally {
        await counter.kill('SIGTERM');
        await worker.kill('SIGTERM');
      }
    });
  });
}

/** Waits until so many messages are applied. */
async function applied(db: pg.Client, messages: number): Promise<void> {
  await waitUntil('all messages are applied', async () => {
    const { rows } = await db.query<{ items: string }>(
      'select coalesce(sum(items), 0) as items from applied_batches',
    );
    return Number(rows[0]?.items) >= messages;
  });
}

/** @returns when the last flush was durable, by the counter's clock, which is this machine's. */
async function lastFlushAtMs(
  metric: (series: string) => Promise<number | undefined>,
): Promise<number> {
  const seconds = await metric('odometer_mqtt_last_flush_timestamp_seconds');
  if (seconds === undefined) throw new Error('the counter does not say when its last flush was');
  return seconds * 1_000;
}

/** @returns a moment at which the last message had not yet come, so that what is reckoned from it is too long, never too short. */
async function watchArrival(
  metric: (series: string) => Promise<number | undefined>,
  messages: number,
): Promise<number> {
  let notYetAtMs = wallClockMs();
  for (;;) {
    const askedAtMs = wallClockMs();
    const received = await metric('odometer_mqtt_messages_received_total');
    if (received !== undefined && received >= messages) return notYetAtMs;
    notYetAtMs = askedAtMs;
    await new Promise((resolve) => setTimeout(resolve, METRICS_INTERVAL_MS));
  }
}

/** A run that loses or doubles a message has no rate. */
async function assertExact(db: pg.Client, published: number): Promise<void> {
  const { rows } = await db.query<Record<string, string>>(
    `select (select sum(sum) from usage_hourly where meter_id = 1) as hours,
       (select sum(sum) from usage_monthly where meter_id = 1) as months,
       (select sum(items) from applied_batches) as batches,
       (select sum(sum) from device_usage_daily where meter_id = 1) as devices`,
  );
  for (const [where, count] of Object.entries(rows[0] ?? {})) {
    if (Number(count) !== published) {
      throw new Error(`${published} messages were published, ${count} are in ${where}`);
    }
  }
}
