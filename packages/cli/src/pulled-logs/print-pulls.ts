import type { ListedPull } from '@odometer/database/pulled-logs/pull-progress';
import { print, readableFigure, readableTime, table } from '../output.ts';

/** Shows readings, and under them what some of them failed at. */
export function printPulls(pulls: readonly ListedPull[]): void {
  print(
    table(
      ['log', 'started', 'state', 'pages', 'items', 'events', 'ignored', 'refused', 'checkpoint'],
      pulls.map((pull) => [
        pull.log,
        readableTime(pull.startedAt),
        pull.state,
        readableFigure(String(pull.pages)),
        readableFigure(pull.items),
        readableFigure(pull.events),
        readableFigure(pull.ignored),
        readableFigure(pull.refused),
        pull.checkpointTo ?? '',
      ]),
      [3, 4, 5, 6, 7],
    ),
  );
  for (const { log, startedAt, state, detail } of pulls) {
    if (detail !== null) print(`${log} ${readableTime(startedAt)}: ${state}: ${detail}`);
  }
}
