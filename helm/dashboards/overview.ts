import { FIGURES } from '../../packages/domain/src/books.ts';
import { figure, lines, table } from './panel.ts';
import { prometheusDashboard } from './prometheus-dashboard.ts';
import { failedShare, perSecond, prometheus, prometheusNow, quantile } from './promql.ts';

/** Puts the service's name to what only has an instance. */
const OF_SERVICE = '* on (job, instance) group_left (service) odometer_build_info';

export const overview = prometheusDashboard({
  uid: 'odometer-overview',
  title: 'Odometer / Overview',
  description: 'Is everything counted, how fresh is it, and what is in its way?',
  rows: [
    {
      title: 'Is it counting?',
      panels: [
        figure(
          'Lost batches',
          'short',
          'Batches that were acknowledged and are in no place for more than a minute. Anything but 0 is usage that is gone: `odometer books` says which, and docs/books.md what can have happened. No value: no worker has read the books.',
          prometheus({ lost: 'sum(max by (kind) (odometer_books_lost_batches))' }),
          { thresholds: [[1, 'red']], alert: 'OdometerUsageLost' },
        ),
        figure(
          'Oldest waiting batch',
          's',
          'Age of the oldest job that waits to be counted. This is how far totals are behind. Rising: too few counting workers, or Postgres is slow; see Queues and workers.',
          prometheus({
            age: 'max(odometer_queue_oldest_job_age_seconds{queue=~"events|counts|objects"})',
          }),
          {
            thresholds: [
              [60, 'orange'],
              [300, 'red'],
            ],
            alert: 'OdometerQueueOld',
          },
        ),
        figure(
          'Brokers not connected',
          'short',
          'MQTT counters whose subscription the broker has not accepted. The broker keeps QoS 1 messages for them meanwhile, QoS 0 messages are missed.',
          prometheus({ counters: 'sum(1 - odometer_mqtt_connected)' }),
          { thresholds: [[1, 'red']], alert: 'OdometerMqttDisconnected' },
        ),
        figure(
          'Dead letters',
          'short',
          'Jobs and events that failed for good: kept, accounted for, not counted. `odometer dead-letters list` says why; retry them once the cause is gone.',
          prometheus({
            letters:
              'sum(max by (queue) (odometer_dead_letters)) or 0 * sum(odometer_scheduler_owner)',
          }),
          { thresholds: [[1, 'orange']], alert: 'OdometerDeadLetters' },
        ),
        figure(
          'Since the hourly bell',
          's',
          'Since a worker last did all that was due at the hour. Above an hour and a quarter: the scheduler does not ring, or the work fails; look for `job_failed` in the logs of the measuring workers.',
          prometheus({
            age: 'time() - max(odometer_scheduler_last_success_timestamp_seconds{schedule="hourly"})',
          }),
          {
            noValue: 'not yet',
            thresholds: [
              [4500, 'orange'],
              [9000, 'red'],
            ],
            alert: 'OdometerScheduleMissed',
          },
        ),
        figure(
          'Months held up',
          'short',
          'Organizations’ months that should be final and are not. `odometer periods` says what holds each one up.',
          prometheus({ months: 'max(odometer_periods_unfinished{state="held_up"})' }),
          { thresholds: [[1, 'orange']], alert: 'OdometerMonthHeldUp' },
        ),
      ],
    },
    {
      title: 'What comes in',
      panels: [
        lines(
          'Items per second',
          'cps',
          'What each intake accepted: events over HTTP and webhooks, MQTT messages, changes of stored objects. A line that falls to 0 when its senders are busy is an outage of that intake.',
          prometheus({
            events: perSecond('odometer_ingest_events_accepted_total'),
            'MQTT messages': perSecond('odometer_mqtt_messages_accepted_total'),
            'object changes': perSecond('odometer_storage_changes_accepted_total'),
          }),
        ),
        lines(
          'Refused per second',
          'cps',
          'What no intake takes: malformed, unauthorised, too much at once. The sender was told, or it is a dead letter. Ingest and MQTT has the reasons.',
          prometheus({
            events: perSecond('odometer_ingest_events_rejected_total'),
            'MQTT messages': perSecond('odometer_mqtt_messages_rejected_total'),
            'object records': perSecond('odometer_storage_records_refused_total'),
          }),
        ),
        lines(
          'Requests that failed here',
          'percentunit',
          'Share of requests answered with 5xx. Ingest answers 503 when too much waits: senders try again, and nothing is lost as long as they do.',
          prometheus({
            ingest: failedShare('odometer_ingest_request_duration_seconds_count'),
            statistics: failedShare('odometer_stats_api_requests_total'),
            notifications: failedShare('odometer_storage_request_duration_seconds_count'),
          }),
          { thresholds: [[0.01, 'red']], alert: 'OdometerIngestErrorsFast' },
        ),
      ],
    },
    {
      title: 'How fresh it is',
      panels: [
        lines(
          'Age of the oldest waiting job',
          's',
          'By queue. Totals lag behind by this much. `measure` and `periods` are not in a hurry; the others should stay below a few seconds.',
          prometheus({ '{{queue}}': 'max by (queue) (odometer_queue_oldest_job_age_seconds)' }),
          { thresholds: [[300, 'red']], alert: 'OdometerQueueOld' },
        ),
        lines(
          'Bells that are late',
          's',
          'How long ago a bell should have been answered again; 0 while none is late. A few seconds while what is due is done. Above an hour and a half: the scheduler does not ring, or what is due fails.',
          prometheus({
            '{{schedule}}':
              'clamp_min(time() - max by (schedule) (odometer_scheduler_last_success_timestamp_seconds) - max by (schedule) (odometer_scheduler_interval_seconds), 0)',
          }),
          { thresholds: [[5400, 'red']], alert: 'OdometerScheduleMissed' },
        ),
        lines(
          'Behind now',
          's',
          'How old the newest durable MQTT flush and the settled byte-hours are. Flushes are only made while messages come; byte-hours are settled with the hourly bell, so up to two hours are normal.',
          prometheus({
            'MQTT flush': 'time() - max(odometer_mqtt_last_flush_timestamp_seconds > 0)',
            'byte-hours': 'time() - max(odometer_storage_settled_timestamp_seconds)',
            'notifications ({{kind}})': 'max by (kind) (odometer_storage_source_silent_seconds)',
          }),
        ),
      ],
    },
    {
      title: 'The books',
      panels: [
        table(
          'Items by what became of them',
          'short',
          'received = accepted + rejected, and accepted = all others. Read twice a minute by every worker; each figure is counted by somebody else, none is the remainder. The words are in docs/books.md.',
          prometheusNow('max by (kind, figure) (odometer_books_items)'),
          {
            width: 16,
            height: 6,
            decimals: 0,
            transformations: [
              {
                id: 'groupingToMatrix',
                options: { columnField: 'figure', rowField: 'kind', valueField: 'Value' },
              },
              {
                id: 'organize',
                options: {
                  // As in `odometer books`, which begins with what came in.
                  indexByName: Object.fromEntries(
                    ['kind\\figure', ...FIGURES].map((name, index) => [name, index]),
                  ),
                },
              },
            ],
          },
        ),
        lines(
          'Imbalance and holes',
          'short',
          'Identities of the books that do not hold, batches that are in no place yet (pending items, looked for again) and those that are gone (lost items). What stays above 0 is a fault: `odometer books` exits with 1 and says where.',
          prometheus({
            'broken identities of {{kind}}': 'max by (kind) (odometer_books_broken_identities)',
            'pending {{kind}}': 'max by (kind) (odometer_books_items{figure="pending"})',
            'lost {{kind}}': 'max by (kind) (odometer_books_items{figure="lost"})',
          }),
          { height: 6, thresholds: [[1, 'red']], alert: 'OdometerBooksBroken' },
        ),
        lines(
          'In flight',
          'short',
          'Items in batches that only Redis has. This is what a Redis that loses its disk would take with it.',
          prometheus({ '{{kind}}': 'max by (kind) (odometer_books_items{figure="in_flight"})' }),
        ),
        lines(
          'Counted, and not counted',
          'cps',
          'Outcomes of what the workers applied. `duplicate` is normal after a sender’s retry; `invalid`, `unmetered` and `unattributed` are kept, and want a meter or a project.',
          prometheus({ '{{outcome}}': perSecond('odometer_apply_items_total', 'outcome') }),
          { stacked: true },
        ),
        lines(
          'Since the last gap',
          's',
          'Since something was last found to be missing, or perhaps missing, by reason. `odometer gaps` lists each one, when and why. No line: never.',
          prometheus({
            '{{reason}}': 'time() - max by (reason) (odometer_gap_recorded_timestamp_seconds)',
          }),
          { alert: 'OdometerMqttGap' },
        ),
      ],
    },
    {
      title: 'Questions answered',
      panels: [
        lines(
          'Requests of the statistics API',
          'reqps',
          'By class of the answer; `gone` is a client that left before it.',
          prometheus({
            '{{status_class}}': perSecond('odometer_stats_api_requests_total', 'status_class'),
          }),
          { stacked: true },
        ),
        lines(
          'Its slow routes',
          's',
          'Within which time 99 of 100 requests of a route were answered, the ten slowest routes. Long: ranges without end, or Postgres is busy.',
          prometheus({
            '{{route}}': `topk(10, ${quantile(0.99, 'odometer_stats_api_request_duration_seconds', 'route')})`,
          }),
          { width: 16 },
        ),
      ],
    },
    {
      title: 'Processes',
      panels: [
        table(
          'Versions',
          'short',
          'How many processes of each service and version answer. Two versions of one service for longer than a rollout: it is stuck.',
          prometheusNow('count by (service, version) (odometer_build_info)'),
          {
            transformations: [{ id: 'organize', options: { excludeByName: { Time: true } } }],
            alert: 'OdometerVersionsMixed',
          },
        ),
        lines(
          'Starts',
          'short',
          'Processes that began in the interval. Outside a rollout: crashes, or killed for memory; the logs before it say which.',
          prometheus({
            '{{service}}': `sum by (service) (changes(process_start_time_seconds[$__rate_interval]) ${OF_SERVICE})`,
          }),
          { bars: true, alert: 'OdometerRestarts' },
        ),
        lines(
          'Event loop delay',
          's',
          'How late the slowest hundredth of timers was. Above a tenth of a second a process is short of CPU: give it more, or more replicas.',
          prometheus({
            '{{service}}': `max by (service) (nodejs_eventloop_lag_p99_seconds ${OF_SERVICE})`,
          }),
          {
            thresholds: [
              [0.1, 'orange'],
              [1, 'red'],
            ],
            alert: 'OdometerEventLoopLag',
          },
        ),
        lines(
          'Clocks against Postgres’',
          's',
          'By how much the worker’s clock that differs most is ahead of Postgres’, or behind. Milliseconds are usual. What has ended is decided by the earlier clock of the two, so one that is wrong makes things late and never wrong; set it.',
          prometheus({
            ahead: 'max (odometer_clock_ahead_seconds)',
            behind: 'min (odometer_clock_ahead_seconds)',
          }),
          { alert: 'OdometerClockApart' },
        ),
        lines(
          'CPU',
          'short',
          'Cores that each service uses, all processes together. One process cannot use more than about one.',
          prometheus({
            '{{service}}': `sum by (service) (rate(process_cpu_seconds_total[$__rate_interval]) ${OF_SERVICE})`,
          }),
        ),
        lines(
          'Heap',
          'bytes',
          'JavaScript heap in use by the largest process of each service. A process dies at its `--max-old-space-size`, three quarters of its memory limit.',
          prometheus({
            '{{service}}': `max by (service) (nodejs_heap_size_used_bytes ${OF_SERVICE})`,
          }),
        ),
        lines(
          'Memory',
          'bytes',
          'Resident memory of the largest process of each service, to be held against its memory limit.',
          prometheus({
            '{{service}}': `max by (service) (process_resident_memory_bytes ${OF_SERVICE})`,
          }),
        ),
        lines(
          'Garbage collection',
          'percentunit',
          'Share of time that the busiest process of each service spends collecting garbage. Above a tenth its heap is too small.',
          prometheus({
            '{{service}}': `max by (service) (sum by (job, instance) (rate(nodejs_gc_duration_seconds_sum[$__rate_interval])) ${OF_SERVICE})`,
          }),
          { thresholds: [[0.1, 'orange']] },
        ),
        lines(
          'Open files and connections',
          'short',
          'File descriptors of the process that has most, by service. A steady rise is a leak.',
          prometheus({ '{{service}}': `max by (service) (process_open_fds ${OF_SERVICE})` }),
        ),
      ],
    },
  ],
});
