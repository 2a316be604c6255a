import { figure, heat, lines } from './panel.ts';
import { prometheusDashboard } from './prometheus-dashboard.ts';
import { buckets, failedShare, perInterval, perSecond, prometheus, quantiles } from './promql.ts';

const REQUESTS = 'odometer_ingest_request_duration_seconds';

export const ingestAndMqtt = prometheusDashboard({
  uid: 'odometer-ingest-and-mqtt',
  title: 'Odometer / Ingest and MQTT',
  description:
    'Events over HTTP, messages of MQTT brokers and of AWS IoT, until Redis has them on disk.',
  rows: [
    {
      title: 'Events over HTTP',
      panels: [
        lines(
          'Requests',
          'reqps',
          'By route and class of the answer. 4xx is the sender’s doing, 5xx ours; `gone` left before the answer, and should try again.',
          prometheus({
            '{{route}} {{status_class}}': perSecond(`${REQUESTS}_count`, 'route, status_class'),
          }),
          { stacked: true },
        ),
        lines(
          'Failed requests',
          'percentunit',
          'Share that was answered with 5xx. 503 means that too much waits (see below) or that Redis or Postgres is away: repair that; senders try again.',
          prometheus({
            failed: failedShare(`${REQUESTS}_count`),
          }),
          { thresholds: [[0.01, 'red']], alert: 'OdometerIngestErrorsFast' },
        ),
        lines(
          'Duration',
          's',
          'From the headers of a request to its answer, which comes once the events are durable: Redis’s disk is in it.',
          quantiles(REQUESTS),
          { thresholds: [[1, 'red']], alert: 'OdometerIngestSlow' },
        ),
        heat(
          'Durations of POST',
          's',
          'How many requests took how long. Two bands: some requests wait for something that others do not.',
          buckets(REQUESTS, '{route="post_events"}'),
        ),
        lines(
          'Events',
          'eps',
          'Received is the sum of accepted, refused and what is being put into a batch: the books of the intake, as rates.',
          prometheus({
            received: perSecond('odometer_ingest_events_received_total'),
            accepted: perSecond('odometer_ingest_events_accepted_total'),
            refused: perSecond('odometer_ingest_events_rejected_total'),
          }),
        ),
        lines(
          'Refused events',
          'eps',
          'By reason, the error code that the sender was told; docs/errors.md says what each one means and whether to try again.',
          prometheus({
            '{{reason}}': `${perSecond('odometer_ingest_events_rejected_total', 'reason')} > 0`,
          }),
          { stacked: true },
        ),
      ],
    },
    {
      title: 'Batches of events',
      panels: [
        lines(
          'Until durable',
          's',
          'From the first event of a batch to storage having confirmed it; every request of the batch waits for it. Slow: Redis’s disk (`appendfsync always`), or its network.',
          quantiles('odometer_ingest_batch_durable_seconds'),
          { thresholds: [[1, 'red']] },
        ),
        heat(
          'Events per batch',
          'short',
          'Small batches under load mean that grouping does not work, and that each event pays for a write of its own.',
          buckets('odometer_ingest_batch_events'),
        ),
        lines(
          'Waiting to be durable or applied',
          'short',
          'Batches that storage has not confirmed (per process), and those that no worker has applied. At their limits events are refused with 503.',
          prometheus({
            'unconfirmed, {{pod}} {{instance}}':
              'max by (pod, instance) (odometer_ingest_unconfirmed_batches)',
            'to be applied': 'max(odometer_ingest_backlog_batches)',
          }),
        ),
        lines(
          'Events being grouped',
          'short',
          'Taken, and not in a numbered batch yet. Emptied many times a second: what stays here is stuck.',
          prometheus({
            '{{pod}} {{instance}}': 'max by (pod, instance) (odometer_ingest_events_filling)',
          }),
        ),
        lines(
          'Webhook records ignored',
          'cps',
          'Records that their declaration does not ask for, such as failed logins. They are in no books.',
          prometheus({ ignored: perSecond('odometer_ingest_webhook_records_ignored_total') }),
        ),
      ],
    },
    {
      title: 'MQTT',
      panels: [
        figure(
          'Connected',
          'short',
          'Counters whose subscription the broker has accepted.',
          prometheus({ connected: 'sum(odometer_mqtt_connected)' }),
          { alert: 'OdometerMqttDisconnected' },
        ),
        figure(
          'Not connected',
          'short',
          'Counters without a broker. Check the broker, then the credentials and the topic ACL; `mqtt_connection_lost` in the log has the reason.',
          prometheus({ 'not connected': 'sum(1 - odometer_mqtt_connected)' }),
          { thresholds: [[1, 'red']], alert: 'OdometerMqttDisconnected' },
        ),
        figure(
          'Since the last flush',
          's',
          'Of the counter that has waited longest. None is made while no messages come, so hold it against the rate.',
          prometheus({
            age: 'time() - min(odometer_mqtt_last_flush_timestamp_seconds > 0)',
          }),
        ),
        figure(
          'Fullest window',
          'percentunit',
          'PUBACKs that are owed, of those that the broker waits for at most. Near 100 % it sends no more: flushes do not become durable, look at Redis.',
          prometheus({
            full: 'max(odometer_mqtt_unacknowledged_messages / odometer_mqtt_window_messages)',
          }),
          {
            thresholds: [
              [0.5, 'orange'],
              [0.8, 'red'],
            ],
            alert: 'OdometerMqttWindowFull',
          },
        ),
        figure(
          'Reconnects',
          'short',
          'Connections lost or refused in the time shown. Many: two counters with one client id take the session from each other, or the network is bad.',
          prometheus({ reconnects: 'sum(increase(odometer_mqtt_reconnects_total[$__range]))' }),
          { decimals: 0, thresholds: [[10, 'orange']], alert: 'OdometerMqttReconnecting' },
        ),
        figure(
          'Gaps',
          'short',
          'Times in the range shown that messages may be missing. `odometer gaps` and the table `gaps` have when and why.',
          prometheus({ gaps: 'sum(increase(odometer_mqtt_gaps_total[$__range]))' }),
          { decimals: 0, thresholds: [[1, 'red']], alert: 'OdometerMqttGap' },
        ),
        lines(
          'Messages',
          'mps',
          'Messages whose fate is decided, accepted or refused, of all counters; the AWS IoT ones too.',
          prometheus({
            received: perSecond('odometer_mqtt_messages_received_total'),
            accepted: perSecond('odometer_mqtt_messages_accepted_total'),
          }),
        ),
        lines(
          'Messages by counter',
          'mps',
          'Accepted messages. One that falls to 0 while others go on: its filter, or its broker.',
          prometheus({
            '{{pod}} {{instance}}': perSecond(
              'odometer_mqtt_messages_accepted_total',
              'pod, instance',
            ),
          }),
          { stacked: true },
        ),
        lines(
          'Refused messages',
          'mps',
          'Messages that count for nobody, by reason. Topics that do not fit the template come from devices that are set up wrongly, or from a template that is.',
          prometheus({
            '{{reason}}': `${perSecond('odometer_mqtt_messages_rejected_total', 'reason')} > 0`,
          }),
          { stacked: true },
        ),
        lines(
          'Bytes',
          'binBps',
          'Topic and payload bytes of accepted messages.',
          prometheus({ accepted: perSecond('odometer_mqtt_accepted_bytes_total') }),
        ),
        lines(
          'Window',
          'short',
          'QoS 1 messages whose PUBACK is owed, by counter. A saw tooth is normal: it falls with each flush. At the limit, which is the broker’s when it grants less than 20,000, it holds messages back.',
          prometheus({
            '{{pod}} {{instance}}':
              'max by (pod, instance) (odometer_mqtt_unacknowledged_messages)',
            'limit {{pod}} {{instance}}': 'max by (pod, instance) (odometer_mqtt_window_messages)',
          }),
          { alert: 'OdometerMqttWindowFull' },
        ),
        lines(
          'Flushes',
          'ops',
          'Flushes that became durable, and attempts that failed or had no answer. Retries are safe, the flush keeps its number; many say that Redis is away or full.',
          prometheus({
            durable: perSecond('odometer_mqtt_flushes_total'),
            'tried again': perSecond('odometer_mqtt_flush_retries_total'),
          }),
        ),
        lines(
          'Reconnects and gaps',
          'short',
          'Connections lost or refused, and gaps by reason: session_lost (the broker forgot the session), mark_missing (Redis forgot how far it was; messages may count twice), broker_restarted.',
          prometheus({
            reconnects: perInterval('odometer_mqtt_reconnects_total'),
            'gap: {{reason}}': perInterval('odometer_mqtt_gaps_total', 'reason'),
          }),
          { bars: true, alert: 'OdometerMqttGap' },
        ),
        lines(
          'Until a flush is durable',
          's',
          'From freezing a flush to Redis having it on its disk. No PUBACK is sent meanwhile, so this bounds the rate: window ÷ duration.',
          quantiles('odometer_mqtt_flush_durable_seconds'),
          { thresholds: [[1, 'red']], alert: 'OdometerMqttFlushSlow' },
        ),
        heat(
          'Durations of flushes',
          's',
          'How many flushes took how long until they were durable.',
          buckets('odometer_mqtt_flush_durable_seconds'),
        ),
        heat(
          'Owners per flush',
          'short',
          'Devices, or projects, in a flush: what it costs to store and to apply. A broad band at the top: many devices that each say little.',
          buckets('odometer_mqtt_flush_owners'),
        ),
      ],
    },
    {
      title: 'AWS IoT queue',
      isFolded: true,
      panels: [
        lines(
          'Messages',
          'mps',
          'Received (each time one is handed out), deleted, failed (left to come again), delete_failed (handled, and will come again). Received far above deleted: the same ones come again and again.',
          prometheus({ '{{outcome}}': perSecond('odometer_iot_queue_messages_total', 'outcome') }),
        ),
        lines(
          'Since the last answer',
          's',
          'Since the queue last answered a poll, with messages or without. Above a minute nothing comes in: network, credentials, or the queue is gone.',
          prometheus({
            '{{pod}} {{instance}}':
              'time() - max by (pod, instance) (odometer_iot_queue_last_receive_timestamp_seconds > 0)',
          }),
          {
            thresholds: [
              [60, 'orange'],
              [120, 'red'],
            ],
            alert: 'OdometerIotQueueSilent',
          },
        ),
        lines(
          'In flight',
          'short',
          'Received and not deleted yet. At 1,000 for long: batches do not become durable.',
          prometheus({
            '{{pod}} {{instance}}':
              'max by (pod, instance) (odometer_iot_queue_in_flight_messages)',
          }),
          { thresholds: [[1000, 'red']] },
        ),
        lines(
          'Errors',
          'short',
          'Polls that failed, by kind (each is tried again), and messages that could not be kept hidden (they may be handed out twice, and count once).',
          prometheus({
            'poll: {{kind}}': perInterval('odometer_iot_queue_receive_errors_total', 'kind'),
            'not kept hidden': perInterval('odometer_iot_queue_extend_failures_total'),
          }),
          { bars: true },
        ),
      ],
    },
  ],
});
