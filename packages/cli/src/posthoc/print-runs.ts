import type { ListedRun } from '@odometer/database/posthoc/posthoc-runs';
import { print, readableFigure, readableTime, table } from '../output.ts';

/** Of a window that is asked for by somebody. */
export const NO_LOGS = 'No file of logs was found: is the path right?';

/** Shows runs, and under them why some have shipped nothing. */
export function printRuns(runs: readonly ListedRun[]): void {
  const figure = (text: string | null) => (text === null ? '' : readableFigure(text));
  print(
    table(
      [
        'metric',
        'window',
        'revision',
        'state',
        'as of',
        'files',
        'rows',
        'total',
        'difference',
        'unmatched',
      ],
      runs.map((run) => [
        run.metric,
        readableTime(run.windowStart),
        String(run.revision),
        run.state,
        readableTime(run.asOf),
        run.logFiles === null ? '' : readableFigure(String(run.logFiles)),
        figure(run.rows),
        figure(run.total),
        figure(run.difference),
        figure(run.unmatchedLines),
      ]),
      [2, 5, 6, 7, 8, 9],
    ),
  );
  for (const { metric, windowStart, revision, state, detail } of runs) {
    // Why those have failed whose place was taken is of no use any more.
    if (detail !== null && state !== 'superseded') {
      print(`${metric} ${readableTime(windowStart)} revision ${revision}: ${state}: ${detail}`);
    }
  }
}
