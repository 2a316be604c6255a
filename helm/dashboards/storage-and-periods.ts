import { figure, lines } from './panel.ts';
import { prometheusDashboard } from './prometheus-dashboard.ts';
import { perInterval, perSecond, prometheus, quantiles } from './promql.ts';

export const storageAndPeriods = prometheusDashboard({
  uid: 'odometer-storage-and-periods',
  title: 'Odometer / Storage and periods',
  description:
    'Notifications of stored objects, the ledger and its drift, what is measured, days and months.',
  rows: [
    {
      title: 'Notifications of stored objects',
      panels: [
        lines(
          'Received',
          'cps',
          'Messages and requests that were taken up, by kind of source; one that is delivered again counts again.',
          prometheus({
            '{{kind}}': perSecond('odometer_storage_notifications_received_total', 'kind'),
          }),
          { stacked: true },
        ),
        lines(
          'What was in them',
          'recps',
          'accepted: changes of objects. ignored: change no bytes. refused: kept as dead letters. undeclared: of buckets that are not declared for their source, dropped.',
          prometheus({
            accepted: perSecond('odometer_storage_changes_accepted_total'),
            'ignored: {{reason}}': `${perSecond('odometer_storage_records_ignored_total', 'reason')} > 0`,
            'refused: {{reason}}': `${perSecond('odometer_storage_records_refused_total', 'reason')} > 0`,
            undeclared: perSecond('odometer_storage_records_undeclared_total'),
          }),
        ),
        lines(
          'Silence of the sources',
          's',
          'Since the source that has been silent longest last answered: a queue with messages or none, a broker with a connection. Above a minute something is wrong with it.',
          prometheus({ '{{kind}}': 'max by (kind) (odometer_storage_source_silent_seconds)' }),
          {
            thresholds: [
              [60, 'orange'],
              [300, 'red'],
            ],
            alert: 'OdometerStorageSourceSilent',
          },
        ),
        lines(
          'Waiting',
          'short',
          'Records that storage has not confirmed, by process, and batches that wait to be applied. At their limits notifications are left where they are, or refused with 503.',
          prometheus({
            'unconfirmed, {{pod}} {{instance}}':
              'max by (pod, instance) (odometer_storage_unconfirmed_records)',
            'to be applied': 'max(odometer_storage_backlog_batches)',
          }),
        ),
        lines(
          'Queues and brokers',
          'short',
          'Messages that were not made durable, not deleted or not kept hidden come again, which changes nothing but what it costs. Receive errors and disconnects say that a source cannot be read.',
          prometheus({
            'receive: {{reason}}': perInterval('odometer_storage_receive_errors_total', 'reason'),
            'not made durable': perInterval('odometer_storage_message_failures_total'),
            'not deleted': perInterval('odometer_storage_delete_failures_total'),
            'not kept hidden': perInterval('odometer_storage_extend_failures_total'),
            'broker lost': perInterval('odometer_storage_broker_disconnects_total'),
          }),
          { bars: true },
        ),
        lines(
          'Notifications over HTTP',
          'reqps',
          'By class of the answer, and those whose token or signature was wrong: nothing of them is kept.',
          prometheus({
            '{{status_class}}': perSecond(
              'odometer_storage_request_duration_seconds_count',
              'status_class',
            ),
            unauthorized: perSecond('odometer_storage_webhook_unauthorized_total'),
          }),
        ),
        lines(
          'Duration of notifications over HTTP',
          's',
          'Until the answer, which comes once all that they say is durable.',
          quantiles('odometer_storage_request_duration_seconds'),
        ),
        lines(
          'Sources',
          'short',
          'Queues and topics that each process reads, and messages deleted per second. Fewer than declared: `storage_source_failed` in the log says why.',
          prometheus({
            'sources: {{kind}}': 'max by (kind) (odometer_storage_sources)',
            'deleted per second': perSecond('odometer_storage_messages_deleted_total'),
          }),
        ),
      ],
    },
    {
      title: 'The ledger',
      panels: [
        figure(
          'Nobody’s bytes',
          'bytes',
          'Stored bytes whose keys are outside what their bucket declares, or name what is not registered. Nobody is billed for them until somebody declares them.',
          prometheus({ bytes: 'max(odometer_storage_unattributed_bytes)' }),
        ),
        figure(
          'Nobody’s objects',
          'short',
          'The same, in objects.',
          prometheus({ objects: 'max(odometer_storage_unattributed_objects)' }),
        ),
        figure(
          'Buckets being mapped',
          'short',
          'Buckets whose objects are being mapped again, because what their keys mean was changed. Not 0 for hours: no worker takes the queue `objects`.',
          prometheus({ buckets: 'max(odometer_storage_unmapped_buckets)' }),
        ),
        figure(
          'Projects not recorded',
          'short',
          'Projects whose stored bytes changed since their gauges were recorded, which happens every 15 seconds. More than a few for minutes: no worker takes the queue `objects`.',
          prometheus({ projects: 'max(odometer_storage_unread_projects)' }),
          { thresholds: [[10, 'orange']], alert: 'OdometerStorageLevelsStale' },
        ),
        figure(
          'Byte-hours behind',
          's',
          'How old the settled byte-hours are. Settled with the hourly bell; two hours: no bell is answered.',
          prometheus({ behind: 'time() - max(odometer_storage_settled_timestamp_seconds)' }),
          { thresholds: [[9000, 'red']], alert: 'OdometerStorageSettlementBehind' },
        ),
        figure(
          'Drift of the last listings',
          'short',
          'Objects that the last complete listings of all buckets found otherwise than the ledger had them, and put right. More than a few for hours: notifications are lost.',
          prometheus({ objects: 'max(odometer_storage_drift_objects)' }),
          { thresholds: [[100, 'orange']], alert: 'OdometerStorageDrift' },
        ),
        lines(
          'Drift of the ledger',
          'ops',
          'Objects that listings put right, by reason. A rate that stays above 0 says that notifications are lost: check the bucket’s notification configuration and its queue’s retention.',
          prometheus({ '{{reason}}': perSecond('odometer_listing_corrections_total', 'reason') }),
          { stacked: true, alert: 'OdometerStorageDrift' },
        ),
        lines(
          'Drift in bytes',
          'bytes',
          'The bytes by which the ledger was wrong when the buckets were last listed, too many and too few added up.',
          prometheus({ bytes: 'max(odometer_storage_drift_bytes)' }),
          { alert: 'OdometerStorageDrift' },
        ),
        lines(
          'Drift against CloudWatch and brokers',
          'short',
          'Messages that somebody else has counted (CloudWatch, a broker) and we have not, by cross-check; below 0 those that we alone have. Absent while nobody knows. docs/cross-checks.md says which drifts are normal.',
          prometheus({
            '{{kind}} {{name}}': 'max by (kind, name) (odometer_broker_drift_messages)',
          }),
          { signed: true, alert: 'OdometerBrokerDrift' },
        ),
        lines(
          'Cross-checks that do not agree',
          'short',
          'Cross-checks whose drift is beyond what their declaration tolerates, and those whose drift nobody has known for three hours.',
          prometheus({
            'beyond tolerance':
              'sum(1 - max by (kind, name) (odometer_broker_drift_within_tolerance))',
            unknown: 'sum(1 - max by (kind, name) (odometer_broker_drift_known))',
          }),
          { thresholds: [[1, 'red']], alert: 'OdometerBrokerDriftUnknown' },
        ),
        lines(
          'Listing',
          'ops',
          'Pages and objects of listings that were compared with the ledger; each page is a request that the store may bill.',
          prometheus({
            pages: perSecond('odometer_listing_pages_total'),
            objects: perSecond('odometer_listing_objects_total'),
          }),
        ),
      ],
    },
    {
      title: 'Measurements',
      panels: [
        lines(
          'Since all were measured',
          's',
          'Since the last complete measurement of the target that was not measured for longest, by kind: buckets, registries, readings, cross-checks. Each is measured every hour; above two hours its figures are stale.',
          prometheus({
            '{{kind}}': 'time() - min by (kind) (odometer_measured_oldest_timestamp_seconds)',
          }),
          {
            thresholds: [
              [7200, 'orange'],
              [10800, 'red'],
            ],
            alert: 'OdometerMeasurementsMissing',
          },
        ),
        lines(
          'Measurements',
          'short',
          'Of buckets, registries, readings and cross-checks, by outcome. Each is made every hour.',
          prometheus({
            '{{kind}} {{outcome}}': perInterval('odometer_measurements_total', 'kind, outcome'),
          }),
          { bars: true, stacked: true },
        ),
        lines(
          'Without a result',
          'short',
          'refused: the result was not believed. failed: there is none; it counts as missing, never as zero, and is tried again within the hour. `measurement_failed` in the log has the reason.',
          prometheus({
            '{{kind}} {{outcome}}': perInterval(
              'odometer_measurements_total{outcome!="complete"}',
              'kind, outcome',
            ),
          }),
          { bars: true, alert: 'OdometerMeasurementsFailing' },
        ),
        lines(
          'Busy measuring',
          'percentunit',
          'Time spent on measuring, of all workers together: 100 % is one job all the time. Near the workers’ concurrency measurements begin to be late.',
          prometheus({ busy: perSecond('odometer_measurement_duration_seconds_total') }),
        ),
        lines(
          'Throttled by AWS',
          'reqps',
          'Attempts that were answered with throttling, also those that a retry made good, by API and account. For long: spread measurements, or have the quota raised.',
          prometheus({
            '{{api}} {{account}}': `${perSecond('odometer_aws_throttled_requests_total', 'api, account')} > 0`,
          }),
          { width: 16, alert: 'OdometerAwsThrottled' },
        ),
      ],
    },
    {
      title: 'Post-hoc metrics',
      panels: [
        lines(
          'Behind',
          's',
          'By how much the newest window with a believed answer ends before the newest that should have one, by metric. Back at 0 minutes after each window is due.',
          prometheus({ '{{metric}}': 'max by (metric) (odometer_posthoc_behind_seconds)' }),
          { alert: 'OdometerPosthocBehind' },
        ),
        lines(
          'Waiting',
          's',
          'Since the run was planned that has waited longest for an answer, or for its events to be counted, by metric. `odometer posthoc runs --state failed` says why.',
          prometheus({
            '{{metric}}':
              'time() - max by (metric) (odometer_posthoc_unfinished_timestamp_seconds)',
          }),
          { thresholds: [[10800, 'orange']], alert: 'OdometerPosthocUnfinished' },
        ),
        lines(
          'Held windows',
          'short',
          'Windows whose newest answer fell too far to be believed, by metric. `odometer posthoc runs --state held` says from what to what.',
          prometheus({ '{{metric}}': 'max by (metric) (odometer_posthoc_held_windows)' }),
          { thresholds: [[1, 'orange']], alert: 'OdometerPosthocHeld' },
        ),
        lines(
          'Without usage',
          's',
          'For how long, up to the newest answer, windows had no usage, while earlier ones had, or no log was ever found, by metric. `odometer posthoc runs` says how many files were read.',
          prometheus({ '{{metric}}': 'max by (metric) (odometer_posthoc_empty_seconds)' }),
          { thresholds: [[86400, 'orange']], alert: 'OdometerPosthocEmpty' },
        ),
        lines(
          'Runs',
          'short',
          'Windows that were asked for, by outcome. done: counted. failed: is tried again. held: the answer fell too far to be believed. superseded: a later one was first.',
          prometheus({ '{{outcome}}': perInterval('odometer_posthoc_runs_total', 'outcome') }),
          { bars: true, stacked: true },
        ),
        lines(
          'Revisions',
          'short',
          'Answers that were believed after the first one of their window. changed, still at the last of the declared times: logs come later than that.',
          prometheus({
            '{{outcome}}': perInterval('odometer_posthoc_revisions_total', 'outcome'),
          }),
          { bars: true, stacked: true },
        ),
        lines(
          'Differences',
          'short',
          'Rows of these answers that were more, or less, than before. more: logs came late. less: logs are gone, or the query was changed.',
          prometheus({
            '{{direction}}': perInterval('odometer_posthoc_differences_total', 'direction'),
          }),
          { bars: true },
        ),
        lines(
          'Lost lines and rows',
          'short',
          'Lines of logs that could not be read, and rows of answers that name no project, once for each run that had them. Lines above 0: the declared format is not that of the logs.',
          prometheus({
            'unmatched lines': perInterval('odometer_posthoc_unmatched_lines_total'),
            'unnamed rows': perInterval('odometer_posthoc_unnamed_rows_total'),
          }),
          { bars: true, alert: 'OdometerPosthocLinesUnmatched' },
        ),
        lines(
          'Answers',
          'short',
          'Rows that queries answered, and events that were shipped: the rows that changed.',
          prometheus({
            rows: perInterval('odometer_posthoc_answer_rows_total'),
            events: perInterval('odometer_posthoc_events_total'),
          }),
          { bars: true },
        ),
        lines(
          'Logs read',
          'binBps',
          'Bytes of logs that queries read, as they are stored, by engine. What Athena scans is what it costs: some five dollars a terabyte.',
          prometheus({ '{{engine}}': perSecond('odometer_posthoc_scanned_bytes_total', 'engine') }),
          { alert: 'OdometerPosthocScansMuch' },
        ),
      ],
    },
    {
      title: 'Pulled logs',
      panels: [
        lines(
          'Since they were read',
          's',
          'Since each pulled log was last read to its end, by name. Above its interval and an hour something is wrong with it.',
          prometheus({
            '{{name}}': 'time() - max by (name) (odometer_pulled_log_read_until_timestamp_seconds)',
          }),
          { thresholds: [[93600, 'red']], alert: 'OdometerPulledLogStalled' },
        ),
        lines(
          'Failing',
          'short',
          'Readings in a row that failed, by name, and all that failed. `odometer pull list` says why.',
          prometheus({
            '{{name}}, in a row': 'max by (name) (odometer_pulled_log_failing_readings) > 0',
            failed: perInterval('odometer_pulled_log_failures_total'),
            throttled: perInterval('odometer_pulled_log_throttled_total'),
          }),
          { thresholds: [[6, 'orange']], alert: 'OdometerPulledLogFailing' },
        ),
        lines(
          'What was pulled',
          'short',
          'Pages, their items, and the events made of those that a webhook asks for. Those that a webhook has delivered count once.',
          prometheus({
            pages: perInterval('odometer_pulled_log_pages_total'),
            items: perInterval('odometer_pulled_log_items_total'),
            events: perInterval('odometer_pulled_log_events_total'),
          }),
          { bars: true },
        ),
        lines(
          'What may be missing',
          'short',
          'Items that could not become events. `odometer pull runs` says of which log.',
          prometheus({ 'refused items': perInterval('odometer_pulled_log_refused_items_total') }),
          { bars: true, alert: 'OdometerPulledLogItemsRefused' },
        ),
        lines(
          'Gaps',
          'short',
          'Times a log was read too late. `odometer gaps` says from when to when.',
          prometheus({ gaps: perInterval('odometer_pulled_log_gaps_total') }),
          { bars: true, alert: 'OdometerPulledLogGap' },
        ),
      ],
    },
    {
      title: 'Days and months',
      panels: [
        lines(
          'Months that are not final',
          'short',
          'Organizations’ months that have ended: draft (within grace, or with the next bell), closing, held_up (by a job, a dead letter or rows that do not add up). `odometer periods` says by what.',
          prometheus({ '{{state}}': 'max by (state) (odometer_periods_unfinished)' }),
          { stacked: true, alert: 'OdometerMonthHeldUp' },
        ),
        lines(
          'Overdue',
          's',
          'Since the grace of the month was over that has been waiting longest to be final; 0 while it is not over. Above an hour it should be final.',
          prometheus({
            overdue: 'clamp_min(time() - min(odometer_periods_oldest_due_timestamp_seconds), 0)',
          }),
          {
            thresholds: [
              [3600, 'orange'],
              [14400, 'red'],
            ],
            alert: 'OdometerMonthNotClosed',
          },
        ),
        lines(
          'Days without a snapshot',
          'short',
          'Days that have ended. More than 1 for an hour: no bell is answered.',
          prometheus({ days: 'max(odometer_snapshots_missing_days)' }),
          { thresholds: [[2, 'red']], alert: 'OdometerSnapshotsMissing' },
        ),
        lines(
          'Changed days',
          'short',
          'Days of projects that are read from their hours until they are refreshed, which is slower. Falls to a few with every hourly bell.',
          prometheus({ days: 'max(odometer_changed_days)' }),
        ),
        lines(
          'Late usage',
          'short',
          'Rows of usage that came for a closed month, and are billed in an open one. Many: devices or stores that were away for long, or a grace that is too short.',
          prometheus({ rows: 'max(increase(odometer_adjustments_total[$__rate_interval]))' }),
          { bars: true },
        ),
      ],
    },
  ],
});
