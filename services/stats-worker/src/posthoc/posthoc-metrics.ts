import { integerCounter } from '@odometer/service-kit/metrics';
import type { Registry } from 'prom-client';
import type { PosthocCounts } from './posthoc-counts.ts';

/** Of runs of post-hoc metrics, by this worker. */
export function createPosthocMetrics(registry: Registry, counts: PosthocCounts): void {
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
    help: 'Rows of answers that were left out, because they name no project.',
    registry,
    read: () => counts.unnamedRows,
  });
  integerCounter({
    name: 'odometer_posthoc_scanned_bytes_total',
    help: 'Bytes of logs that queries of post-hoc metrics read, as they are stored.',
    registry,
    read: () => counts.scannedBytes,
  });
  integerCounter({
    name: 'odometer_posthoc_events_total',
    help: 'Events that were shipped, those included that were shipped again.',
    registry,
    read: () => counts.shippedEvents,
  });
}
