import type { AskedMeasurement } from '@odometer/database/measuring/asked-measurement';
import { print, readableFigure, table } from '../output.ts';

/** Of the figures of a complete cross-check, what is shown. */
interface ShownFigures {
  readonly source: string;
  /** Null: a broker's first reading, which compares nothing. */
  readonly from: string | null;
  readonly to: string;
  readonly theirs: string | null;
  readonly ours: string | null;
  readonly drift: string | null;
  readonly tolerated: string | null;
  readonly withinTolerance: boolean | null;
  readonly unknown: string | null;
}

/** Shows how far others' counts are from ours, and of whom nobody knows, why. */
export function printCrossChecks(measured: readonly AskedMeasurement[]): void {
  const complete = measured.flatMap(({ kind, target, state, figures }) =>
    kind === 'cross_check' && state === 'complete'
      ? // What a worker of ours has written.
        [{ target, figures: figures as unknown as ShownFigures }]
      : [],
  );
  const known = complete.filter(({ figures }) => figures.drift !== null);
  if (known.length > 0) {
    print('');
    print(
      table(
        ['cross-check', 'with', 'from', 'to', 'theirs', 'ours', 'drift', 'tolerated', 'within'],
        known.map(({ target, figures }) => [
          target,
          figures.source,
          figures.from ?? '',
          figures.to,
          readableFigure(figures.theirs ?? ''),
          readableFigure(figures.ours ?? ''),
          readableFigure(figures.drift ?? ''),
          readableFigure(figures.tolerated ?? ''),
          figures.withinTolerance === true ? 'yes' : 'no',
        ]),
        [4, 5, 6, 7],
      ),
    );
  }
  for (const { target, figures } of complete) {
    if (figures.unknown !== null) print(`${target}: unknown: ${figures.unknown}`);
  }
}
