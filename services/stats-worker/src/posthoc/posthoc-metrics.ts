import { gauge, integerCounter } from '@odometer/service-kit/metrics';
import type { Registry } from 'prom-client';
import type { PosthocCounts } from './posthoc-counts.ts';
import type { PosthocReading } from './posthoc-reading.ts';

/** Of post-hoc metrics: what this worker did, and how far each of them is, of which every worker shows the same. */
export function createPosthocMetrics(
  registry: Registry,
  counts: PosthocCounts,
  reading: Pick<PosthocReading, 'behind' | 'empty' | 'held' | 'unfinishedSince'>,
): void {
  integerCounter({
    name: 'odometer_posthoc_runs_total',
    help: 'Runs of post-hoc metrics by outcome: done, failed (is tried again), held (its answer fell too far and is not believed), superseded (a later one was first).',
    registry,
    labelNames: ['outcome'],
    read: () => counts.runs(),
  });
  integerCounter({
    name: 'odometer_posthoc_answer_rows_total',
    help: 'Rows that queries of post-hoc metrics answered.',
    registry,
    read: () => counts.answerRows,
  });
  integerCounter({
    name: 'odometer_posthoc_unmatched_lines_total',
    help: 'Lines of logs that could not be read, and so are in no answer; once for each run that read them. Anything but 0 is usage that may be missing.',
    registry,
    read: () => counts.unmatchedLines,
  });
  integerCounter({
    name: 'odometer_posthoc_unnamed_rows_total',
    help: 'Rows of answers that were left out, because they name no project, or in an answer that is too large one that is not registered.',
    registry,
    read: () => counts.unnamedRows,
  });
  integerCounter({
    name: 'odometer_posthoc_scanned_bytes_total',
    help: 'Bytes of logs that queries of post-hoc metrics read, as they are stored, by engine. What Athena scans is what it costs.',
    registry,
    labelNames: ['engine'],
    read: () => counts.scannedBytes(),
  });
  integerCounter({
    name: 'odometer_posthoc_revisions_total',
    help: 'Answers that were believed after another one of their window: unchanged or changed. Changed at the last of the times declared: logs come later than that.',
    registry,
    labelNames: ['outcome'],
    read: () => counts.revisions(),
  });
  integerCounter({
    name: 'odometer_posthoc_differences_total',
    help: 'Rows of such answers that were more, or less, than before. More: logs came late; less: logs are gone, or the query was changed.',
    registry,
    labelNames: ['direction'],
    read: () => counts.differences(),
  });
  integerCounter({
    name: 'odometer_posthoc_events_total',
    help: 'Events that were shipped, those included that were shipped again.',
    registry,
    read: () => counts.shippedEvents,
  });
  gauge({
    name: 'odometer_posthoc_held_windows',
    help: 'Windows whose newest answer fell too far and is not believed, by declared metric. They wait for somebody, and what they have lost is not subtracted.',
    labelNames: ['metric'],
    registry,
    read: () => reading.held(),
  });
  gauge({
    name: 'odometer_posthoc_empty_seconds',
    help: 'For how long, up to the newest believed answer, windows had no usage, while earlier ones had, or no log was ever found, by declared metric; 0 when the newest has some. Logs that are not written, or written elsewhere, look like this.',
    labelNames: ['metric'],
    registry,
    read: () => reading.empty(),
  });
  gauge({
    name: 'odometer_posthoc_unfinished_timestamp_seconds',
    help: 'When the run was planned that has no answer for longest, or whose events are not all counted, by declared metric, Unix time. Absent when there is none.',
    labelNames: ['metric'],
    registry,
    read: () => reading.unfinishedSince(),
  });
  gauge({
    name: 'odometer_posthoc_behind_seconds',
    help: 'By how much the newest window that has a believed answer ends before the newest that should have one, by declared metric; 0 when nothing is missing. Above 0 for minutes after each window is due, and always where another version has declared it. Absent while it is paused.',
    labelNames: ['metric'],
    registry,
    read: () => reading.behind(),
  });
}
