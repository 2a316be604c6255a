import type { AwsClients } from '@odometer/aws/aws-clients';
import type { SqsConsumer } from '@odometer/aws/sqs-consumer';
import type { Gap, GapReason } from '@odometer/database/gaps';
import type { CountBatch } from '@odometer/queues/catalogue';
import {
  gauge,
  integerCounter,
  type LabelledCount,
  labelled,
  type Registry,
} from '@odometer/service-kit/metrics';
import { Histogram } from 'prom-client';
import type { MqttCounter } from './mqtt-counter.ts';

/** What is observed as it happens; all else is read at scrape. */
export interface CounterMetrics {
  observeFlush(batch: CountBatch, durationMs: number): void;
  countFlushRetry(): void;
  countReconnect(): void;
  countGap(gap: Gap): void;
}

/** Gaps that a counter can notice. */
const GAP_REASONS: readonly GapReason[] = ['session_lost', 'mark_missing', 'broker_restarted'];

/** Declares what is observed. */
export function createMetrics(registry: Registry): CounterMetrics {
  const duration = new Histogram({
    name: 'odometer_mqtt_flush_durable_seconds',
    help: 'From freezing a flush to Redis having it on its disk. While it lasts no further PUBACK is sent.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers: [registry],
  });
  const owners = new Histogram({
    name: 'odometer_mqtt_flush_owners',
    help: 'Topic owners (devices, or projects) in a flush: what it costs to store and to apply.',
    buckets: [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000],
    registers: [registry],
  });
  let flushes = 0;
  let lastFlushAtMs = 0;
  let retries = 0;
  let reconnects = 0;
  const gaps = new Map(GAP_REASONS.map((reason) => [reason, 0]));
  integerCounter({
    name: 'odometer_mqtt_flushes_total',
    help: 'Flushes that became durable.',
    registry,
    read: () => flushes,
  });
  gauge({
    registry,
    name: 'odometer_mqtt_last_flush_timestamp_seconds',
    help: 'When the last flush became durable, as a Unix time; 0 before the first. None is made while nothing comes.',
    read: () => lastFlushAtMs / 1000,
  });
  integerCounter({
    name: 'odometer_mqtt_flush_retries_total',
    help: 'Attempts to store a flush that failed or had no answer; the same flush was tried again.',
    registry,
    read: () => retries,
  });
  integerCounter({
    name: 'odometer_mqtt_reconnects_total',
    help: 'Connections to the broker that were lost or refused; each time another is tried.',
    registry,
    read: () => reconnects,
  });
  integerCounter({
    name: 'odometer_mqtt_gaps_total',
    help: 'Gaps noticed, by reason: messages may be missing or, after mark_missing, counted twice.',
    registry,
    labelNames: ['reason'],
    read: () => [...gaps].map(([reason, count]) => [{ reason }, count] as const),
  });
  return {
    observeFlush(batch, durationMs) {
      flushes += 1;
      lastFlushAtMs = Date.now();
      duration.observe(durationMs / 1000);
      owners.observe(batch.hours.reduce((sum, { counts }) => sum + counts.length, 0));
    },
    countFlushRetry() {
      retries += 1;
    },
    countReconnect() {
      reconnects += 1;
    },
    countGap({ reason }) {
      gaps.set(reason, (gaps.get(reason) ?? 0) + 1);
    },
  };
}

/** What became of messages, whichever way they came in: plain integers. */
export interface MessageFigures {
  readonly accepted: () => number;
  readonly acceptedBytes: () => number;
  readonly rejected: () => readonly LabelledCount<'reason'>[];
}

/** Declares what is told of messages, from a broker or from a queue. */
export function exposeMessages(registry: Registry, figures: MessageFigures): void {
  integerCounter({
    name: 'odometer_mqtt_messages_received_total',
    help: 'Messages whose fate is decided. Equals accepted + rejected.',
    registry,
    read: () => figures.rejected().reduce((sum, [, count]) => sum + count, figures.accepted()),
  });
  integerCounter({
    name: 'odometer_mqtt_messages_accepted_total',
    help: 'Messages counted for an owner. Of those that AWS IoT sent again, the worker counts one.',
    registry,
    read: figures.accepted,
  });
  integerCounter({
    name: 'odometer_mqtt_messages_rejected_total',
    help: 'Messages that count for nobody, by reason; redelivered ones were counted before.',
    registry,
    labelNames: ['reason'],
    read: figures.rejected,
  });
  integerCounter({
    name: 'odometer_mqtt_accepted_bytes_total',
    help: 'Topic and payload bytes of accepted messages.',
    registry,
    read: figures.acceptedBytes,
  });
}

/** Declares what is read at scrape from the queue's consumer, and from the clients that it uses. */
export function exposeIotQueue(
  registry: Registry,
  consumer: Pick<SqsConsumer, 'counts' | 'inFlight' | 'lastReceiveAt'>,
  aws: Pick<AwsClients, 'throttledRequests'>,
): void {
  integerCounter({
    name: 'odometer_iot_queue_messages_total',
    help: 'Messages of the queue that AWS IoT fills, by what happened: received (each time it is handed out), deleted, failed (left to come again), delete_failed (handled, and will come again).',
    registry,
    labelNames: ['outcome'],
    read: () => {
      const { received, deleted, failed, deleteFailures } = consumer.counts;
      return [
        [{ outcome: 'received' }, received],
        [{ outcome: 'deleted' }, deleted],
        [{ outcome: 'failed' }, failed],
        [{ outcome: 'delete_failed' }, deleteFailures],
      ] as const;
    },
  });
  integerCounter({
    name: 'odometer_iot_queue_receive_errors_total',
    help: 'Polls of the queue that failed, by kind; each is tried again.',
    registry,
    labelNames: ['kind'],
    read: () => labelled('kind', consumer.counts.receiveErrors),
  });
  integerCounter({
    name: 'odometer_iot_queue_extend_failures_total',
    help: 'Times that a message under way could not be kept hidden. It may be handed out again meanwhile, and counts once all the same.',
    registry,
    read: () => consumer.counts.extendFailures,
  });
  integerCounter({
    name: 'odometer_aws_throttled_requests_total',
    help: 'Attempts at AWS APIs that were answered with throttling, also those that a retry made good, by API and by account: as declared, that of the declared role, or own.',
    registry,
    labelNames: ['api', 'account'],
    read: () => aws.throttledRequests,
  });
  gauge({
    registry,
    name: 'odometer_iot_queue_in_flight_messages',
    help: 'Messages that were received and are not deleted yet. At 1000 for long: batches do not become durable.',
    read: () => consumer.inFlight,
  });
  gauge({
    registry,
    name: 'odometer_iot_queue_last_receive_timestamp_seconds',
    help: 'When the queue last answered a poll, with messages or without, as a Unix time; 0 before the first. Older than a minute: nothing comes in.',
    read: () => (consumer.lastReceiveAt ?? 0) / 1_000,
  });
}

/** Declares what is read at scrape from the counter of a broker. */
export function exposeCounter(registry: Registry, mqtt: MqttCounter): void {
  gauge({
    registry,
    name: 'odometer_mqtt_unacknowledged_messages',
    help: 'QoS 1 messages whose PUBACK is owed. Near odometer_mqtt_window_messages for long: flushes do not become durable.',
    read: () => mqtt.counter?.unacknowledged ?? 0,
  });
  gauge({
    registry,
    name: 'odometer_mqtt_window_messages',
    help: 'How many QoS 1 messages the broker sends without a PUBACK: 20000, or what it granted when that is less (Mosquitto: max_inflight_messages).',
    read: () => mqtt.window,
  });
  gauge({
    registry,
    name: 'odometer_mqtt_connected',
    help: '1 while the broker has accepted the subscription, else 0.',
    read: () => (mqtt.isLive ? 1 : 0),
  });
}
