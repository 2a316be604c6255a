import { figure, heat, lines, table } from './panel.ts';
import { labelValues, prometheusDashboard } from './prometheus-dashboard.ts';
import { buckets, perInterval, perSecond, prometheus, prometheusNow, quantile } from './promql.ts';

export const queuesAndWorkers = prometheusDashboard({
  uid: 'odometer-queues-and-workers',
  title: 'Odometer / Queues and workers',
  description: 'What waits in Redis, who works on it, how long it takes and what goes wrong.',
  variables: [
    labelValues('queue', 'Queue', 'odometer_queue_jobs{namespace=~"$namespace", job=~"$job"}'),
  ],
  rows: [
    {
      title: 'Queues',
      panels: [
        lines(
          'Waiting jobs',
          'short',
          'Every worker and scheduler shows the same. Grows while more comes in than is worked off: more counting workers, or find out what makes Postgres slow.',
          prometheus({
            '{{queue}}': 'max by (queue) (odometer_queue_jobs{state="waiting", queue=~"$queue"})',
          }),
          { stacked: true, alert: 'OdometerQueueGrowing' },
        ),
        lines(
          'Age of the oldest waiting job',
          's',
          'How far the totals are behind. It says more than the number of jobs: many that are young are load, one that is old is a fault.',
          prometheus({
            '{{queue}}': 'max by (queue) (odometer_queue_oldest_job_age_seconds{queue=~"$queue"})',
          }),
          { thresholds: [[300, 'red']], alert: 'OdometerQueueOld' },
        ),
        lines(
          'Active, delayed, failed',
          'short',
          'Active: worked on. Delayed: waits for its next attempt; the bells are among them until they ring. Failed: waits to be kept as a dead letter, which takes a few seconds; what stays here was not swept.',
          prometheus({
            '{{queue}} {{state}}':
              'max by (queue, state) (odometer_queue_jobs{state!="waiting", queue=~"$queue"}) > 0',
          }),
        ),
        lines(
          'Time to work off what waits',
          's',
          'Waiting jobs divided by the rate at which jobs end. Nothing is shown where no job ends.',
          prometheus({
            '{{queue}}': `max by (queue) (odometer_queue_jobs{state="waiting", queue=~"$queue"}) / (${perSecond('odometer_jobs_total{outcome="processed", queue=~"$queue"}', 'queue')} > 0)`,
          }),
        ),
        lines(
          'Jobs',
          'ops',
          'Jobs that ended well. 0 where jobs wait: no worker takes this queue (`ODOMETER_WORKER_QUEUES`), or every attempt fails.',
          prometheus({
            '{{queue}}': perSecond(
              'odometer_jobs_total{outcome="processed", queue=~"$queue"}',
              'queue',
            ),
          }),
          { stacked: true, alert: 'OdometerQueueNoProgress' },
        ),
        lines(
          'Trouble',
          'short',
          'Jobs that were retried, failed for good, stalled (taken over from a worker that died) or waited for something that was away (infrastructure). All of them count once in the end; failed ones after somebody retries them.',
          prometheus({
            '{{queue}} {{outcome}}': `${perInterval('odometer_jobs_total{outcome!="processed", queue=~"$queue"}', 'queue, outcome')} > 0`,
          }),
          { bars: true, alert: 'OdometerJobsFailing' },
        ),
      ],
    },
    {
      title: 'Dead letters',
      panels: [
        figure(
          'Dead letters',
          'short',
          'Jobs and events that failed for good and that nobody has retried. `odometer dead-letters list`, then `show` and `retry`.',
          prometheus({
            letters:
              'sum(max by (queue) (odometer_dead_letters{queue=~"$queue"})) or 0 * sum(odometer_scheduler_owner)',
          }),
          { height: 8, thresholds: [[1, 'orange']], alert: 'OdometerDeadLetters' },
        ),
        figure(
          'The oldest failed',
          's',
          'How long ago. A month that has dead letters is held up until they are retried.',
          prometheus({
            age: 'time() - min(min by (queue) (odometer_dead_letter_oldest_timestamp_seconds{queue=~"$queue"}))',
          }),
          {
            height: 8,
            noValue: 'none',
            thresholds: [[86400, 'red']],
            alert: 'OdometerDeadLettersOld',
          },
        ),
        lines(
          'Dead letters by queue',
          'short',
          'A step is something that went wrong once; a slope is something that is going wrong.',
          prometheus({ '{{queue}}': 'max by (queue) (odometer_dead_letters{queue=~"$queue"})' }),
        ),
        lines(
          'Since the newest failed',
          's',
          'Near 0 for long: something fails now, not only once long ago.',
          prometheus({
            '{{queue}}':
              'time() - max by (queue) (odometer_dead_letter_newest_timestamp_seconds{queue=~"$queue"})',
          }),
        ),
      ],
    },
    {
      title: 'Applying',
      panels: [
        lines(
          'Duration',
          's',
          'Of a transaction that applies batches: the median, and within which time 99 of 100 end. Rises with the number of projects and devices in a batch, and with what Postgres has to wait for.',
          prometheus({
            '{{queue}} median': quantile(0.5, 'odometer_apply_duration_seconds', 'queue'),
            '{{queue}} 99 %': quantile(0.99, 'odometer_apply_duration_seconds', 'queue'),
          }),
          { thresholds: [[10, 'red']] },
        ),
        heat(
          'Durations',
          's',
          'How many transactions took how long, of the chosen queues together.',
          buckets('odometer_apply_duration_seconds', '{queue=~"$queue"}'),
        ),
        lines(
          'Batches',
          'ops',
          'applied; replayed (had been applied before, after a retry or a takeover: nothing counts twice); fenced (sent by a counter that had been replaced: its successor counted them).',
          prometheus({ '{{outcome}}': perSecond('odometer_apply_batches_total', 'outcome') }),
        ),
        lines(
          'Items',
          'cps',
          'Events, messages and changes of objects in applied batches, by outcome; the words are those of the books.',
          prometheus({ '{{outcome}}': perSecond('odometer_apply_items_total', 'outcome') }),
          { stacked: true },
        ),
        lines(
          'Transactions done again',
          'ops',
          'Because another one was in their way. A few are normal with several workers; many cost more than a further worker brings.',
          prometheus({ conflicts: perSecond('odometer_apply_conflict_retries_total') }),
        ),
        lines(
          'Rows written',
          'ops',
          'Rows of usage, of open months and (adjustments) of closed ones. This is what Postgres is asked to do; far more rows than transactions: many projects, devices or hours in a batch.',
          prometheus({ '{{target}}': perSecond('odometer_apply_rows_total', 'target') }),
        ),
        lines(
          'Items per transaction',
          'short',
          'How well batching works: under load this rises, and with it what a worker can do.',
          prometheus({
            items: `${perSecond('odometer_apply_items_total')} / ${perSecond('odometer_apply_duration_seconds_count')}`,
          }),
        ),
      ],
    },
    {
      title: 'Bells',
      panels: [
        figure(
          'Schedulers in charge',
          'short',
          'Exactly one should be. 0: nobody rings; look at the lock in Postgres. The others stand by.',
          prometheus({ owners: 'sum(odometer_scheduler_owner)' }),
          { height: 8, alert: 'OdometerSchedulerNotAlone' },
        ),
        figure(
          'Bells that hang',
          'short',
          'Bells that the scheduler in charge found in Redis: hourly, measure, daily, monthly.',
          prometheus({ bells: 'max(odometer_scheduler_bells)' }),
          { height: 8 },
        ),
        table(
          'Since a bell was answered with success',
          's',
          'All that was due was done then. A bell that is late, lost or rung twice changes nothing: the next one makes up for it.',
          prometheusNow(
            'time() - max by (schedule) (odometer_scheduler_last_success_timestamp_seconds)',
          ),
          {
            alert: 'OdometerScheduleMissed',
            transformations: [
              {
                id: 'organize',
                options: { excludeByName: { Time: true }, renameByName: { Value: 'ago' } },
              },
            ],
          },
        ),
        lines(
          'Errors and changes',
          'short',
          'Looks at the bells that failed, and bells that were put or removed. Put without an upgrade: somebody deletes them, or Redis forgets.',
          prometheus({
            'error: {{part}}': perInterval('odometer_scheduler_errors_total', 'part'),
            'bells {{change}}': perInterval('odometer_scheduler_bell_changes_total', 'change'),
          }),
          { bars: true },
        ),
      ],
    },
    {
      title: 'Redis',
      panels: [
        figure(
          'Answers',
          'short',
          '1 while Redis answers the scheduler. Without it nothing is taken in, and senders try again.',
          prometheus({ reachable: 'min(odometer_redis_reachable)' }),
          { height: 8, alert: 'OdometerRedisUnreachable' },
        ),
        figure(
          'Writes its log',
          'short',
          '1 while Redis writes its append-only file and the last write and rewrite went well. 0 on your own Redis: acknowledged usage would not survive its restart. Managed services may say 0, and keep what they were given all the same.',
          prometheus({ appending: 'min(odometer_redis_appending)' }),
          { height: 8, alert: 'OdometerRedisNotDurable' },
        ),
        lines(
          'Memory',
          'bytes',
          'Used, and allowed (`maxmemory`). At 90 % intake stops: events are refused with 503, and no PUBACK is sent. Nothing is lost; add memory or workers.',
          prometheus({
            used: 'max(odometer_redis_memory_used_bytes)',
            allowed: 'max(odometer_redis_memory_limit_bytes)',
          }),
          { alert: 'OdometerRedisMemory' },
        ),
        lines(
          'Evicted keys',
          'short',
          'Since Redis’s start. Anything but 0 may be usage that was acknowledged and is gone: set `maxmemory-policy noeviction`, then see `odometer books`.',
          prometheus({ evicted: 'max(odometer_redis_evicted_keys)' }),
          { thresholds: [[1, 'red']], alert: 'OdometerRedisEvictions' },
        ),
      ],
    },
  ],
});
