import { latestMeasurements } from '@odometer/database/measuring/measurements';
import {
  type BucketRow,
  type BucketTypeLevel,
  listBucketLevels,
} from '@odometer/database/reading/buckets';
import { jsonFigure } from '@odometer/domain/json-figure';
import type { Command } from 'commander';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableFigure,
  readableTime,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';

export function addBuckets(program: Command): void {
  addCommand(
    program,
    'buckets',
    'show declared buckets, what lies in them, and how they were measured last',
  ).action(showBuckets);
}

async function showBuckets({ json }: OutputOptions): Promise<void> {
  const { buckets, measurements } = await withPostgres(async (pool) => ({
    buckets: await listBucketLevels(pool),
    measurements: await latestMeasurements(pool),
  }));
  const shown = buckets.map((bucket) => {
    const { levels, ...declared } = bucket;
    const last = measurements.find(
      ({ kind, target }) => kind === 'bucket' && target === bucket.name,
    );
    return {
      ...declared,
      ...sumOf(levels),
      types: levels,
      /** When the last complete listing began. */
      measuredAt: last?.completeAt ?? null,
      state: last?.state ?? 'never measured',
      detail: last?.detail ?? null,
    };
  });
  if (json) return printJson(shown.map(withFigures));
  if (shown.length === 0) return print('No bucket is declared.');
  print(
    table(
      [
        'name',
        'bucket',
        'region',
        'ledger',
        'notified by',
        'objects',
        'bytes',
        'nobody’s bytes',
        'measured',
        'state',
      ],
      shown.map((bucket) => [
        bucket.name,
        bucket.bucket,
        bucket.region,
        bucket.ledger,
        bucket.notifications,
        readableFigure(bucket.objects),
        readableFigure(bucket.bytes),
        readableFigure(bucket.unattributedBytes),
        readableTime(bucket.measuredAt),
        bucket.state,
      ]),
      [5, 6, 7],
    ),
  );
  for (const { name, state, detail } of shown) {
    if (detail !== null) print(`\n${name}: ${state}: ${detail}`);
  }
}

/** Decimal text: bytes of a bucket may be beyond what a number holds. */
function sumOf(levels: BucketRow['levels']) {
  const sum = (of: (level: BucketRow['levels'][number]) => string) =>
    String(levels.reduce((total, level) => total + BigInt(of(level)), 0n));
  return {
    objects: sum(({ objects }) => objects),
    bytes: sum(({ bytes }) => bytes),
    unattributedBytes: sum(({ unattributedBytes }) => unattributedBytes),
  };
}

/** Quantities as in all of our JSON: numbers where those are exact. */
function withFigures<
  Bucket extends {
    readonly objects: string;
    readonly bytes: string;
    readonly unattributedBytes: string;
    readonly types: readonly BucketTypeLevel[];
  },
>({ objects, bytes, unattributedBytes, types, ...bucket }: Bucket) {
  return {
    ...bucket,
    objects: jsonFigure(objects),
    bytes: jsonFigure(bytes),
    unattributedBytes: jsonFigure(unattributedBytes),
    types: types.map((level) => ({
      type: level.type,
      objects: jsonFigure(level.objects),
      bytes: jsonFigure(level.bytes),
      unattributedObjects: jsonFigure(level.unattributedObjects),
      unattributedBytes: jsonFigure(level.unattributedBytes),
    })),
  };
}
