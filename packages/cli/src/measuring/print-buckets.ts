import type { AskedMeasurement } from '@odometer/database/measuring/asked-measurement';
import { print, readableFigure, table } from '../output.ts';

interface Amount {
  readonly objects: string;
  readonly bytes: string;
}

interface Sample {
  readonly reason: string;
  readonly key: string;
  readonly version: string;
  readonly ledgerBytes: string;
  readonly listedBytes: string;
}

/** Of the figures of a complete measurement of a bucket, what is shown. */
interface ShownFigures {
  readonly listed: Amount;
  readonly ledger: Amount;
  readonly unattributed: Amount;
  readonly corrections: Readonly<
    Record<'missed_creation' | 'missed_change' | 'missed_removal', Amount>
  >;
  readonly drift: Amount;
  readonly recent: string;
  readonly removedBefore: string;
  readonly filled: boolean;
  readonly multipartUploads: { readonly uploads: string; readonly bytes: string } | null;
  readonly dryRun?: boolean;
  readonly wouldBeRefused?: boolean;
  readonly samples?: readonly Sample[];
}

/** Shows what listings of buckets have found and put right, or would. */
export function printBuckets(measured: readonly AskedMeasurement[]): void {
  const complete = measured.flatMap(({ target, state, figures }) =>
    // What a worker of ours has written.
    state === 'complete' ? [{ target, figures: figures as unknown as ShownFigures }] : [],
  );
  if (complete.length > 0) {
    print(
      table(
        [
          'bucket',
          'objects',
          'bytes',
          'created',
          'changed',
          'removed',
          'bytes corrected',
          'left',
          'removed before',
          'uploads bytes',
        ],
        complete.map(({ target, figures }) => {
          const { listed, corrections, drift, recent, removedBefore, multipartUploads } = figures;
          return [
            target,
            readableFigure(listed.objects),
            readableFigure(listed.bytes),
            readableFigure(corrections.missed_creation.objects),
            readableFigure(corrections.missed_change.objects),
            readableFigure(corrections.missed_removal.objects),
            readableFigure(drift.bytes),
            readableFigure(recent),
            readableFigure(removedBefore),
            multipartUploads === null ? 'not shown' : readableFigure(multipartUploads.bytes),
          ];
        }),
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
      ),
    );
  }
  for (const { target, figures } of complete) printDryRun(target, figures);
  printFailures(measured);
}

function printDryRun(target: string, { dryRun, wouldBeRefused, samples = [] }: ShownFigures): void {
  if (dryRun !== true) return;
  print(
    `\n${target}: nothing was changed.${samples.length > 0 ? ' Some of what would be:\n' : ''}`,
  );
  if (samples.length > 0) {
    print(
      table(
        ['reason', 'key', 'version', 'ledger', 'listing'],
        samples.map(({ reason, key, version, ledgerBytes, listedBytes }) => [
          reason.replace('_', ' '),
          key,
          version,
          readableFigure(ledgerBytes),
          readableFigure(listedBytes),
        ]),
        [3, 4],
      ),
    );
  }
  if (wouldBeRefused === true) {
    print(`\nSo much would vanish from ${target} that it is refused without --accept-drift.`);
  }
}

/** What has no result, with its reason. */
export function printFailures(measured: readonly AskedMeasurement[]): void {
  for (const { target, state, detail } of measured) {
    if (state !== 'complete') print(`${target}: ${state}: ${detail ?? 'no reason is known'}`);
  }
}
