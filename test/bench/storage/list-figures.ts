import { type Figure, note } from '../figure.ts';
import { compare, interleave } from '../interleave.ts';
import type { Servers } from '../servers.ts';
import type { Settings } from '../settings.ts';
import { startProgram } from '../start-program.ts';
import { median, rounded } from '../statistics.ts';
import { declareBucket, type Listing, measureBucket, paginatorSeconds } from './list-runs.ts';
import type { StoreOptions } from './synthetic-store.ts';

const LISTED_OBJECTS = 200_000;
/** Until S3 begins to answer a LIST of 1,000 keys from within its region; a loopback server begins at once. */
const S3_LATENCY_MS = 50;

const FEW_OBJECTS = 10_000;
const MANY_OBJECTS = 1_000_000;
/** Filling a million rows takes a minute. */
const MEMORY_RUNS = 3;
const MAX_MEMORY_RATIO = 1.25;
/**
 * V8 lets garbage stand until it needs the room, so that a longer run looks larger whatever it keeps. With little room the peak
 * is what is kept, and a worker that kept the objects of a million rows would end for want of memory.
 */
const OLD_SPACE_MB = 96;

/** The hourly measuring of a bucket that is known already, in shards, against the SDK's own paginator on its own. */
export async function listBucketFigures(
  servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  const objects = Math.max(2_000, Math.round(LISTED_OBJECTS * settings.scale));
  return withStore({ objects, latencyMs: S3_LATENCY_MS }, async (url) => {
    note('  filling the ledger');
    const template = await servers.prepare(async (db, databaseUrl) => {
      await declareBucket(db, url);
      await measureBucket(servers, settings, databaseUrl, db, objects);
    });
    const seconds = await interleave('list-bucket', settings.pairs, [
      {
        name: 'odometer',
        run: () =>
          servers.withFresh(
            async (databaseUrl, db) =>
              (await measureBucket(servers, settings, databaseUrl, db, objects)).seconds,
            template,
          ),
      },
      { name: 'paginator', run: () => paginatorSeconds(url, objects) },
    ]);
    return [
      {
        bench: 'list-bucket',
        value: rounded(median(seconds.odometer)),
        unit: 's',
        against: 'the plain paginator, which only adds up',
        ...compare(seconds.odometer, seconds.paginator),
      },
    ];
  });
}

/** The worker's peak memory when it fills a ledger with a hundred times as many objects. */
export async function listMemoryFigures(
  servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  const fill = async (objects: number): Promise<Listing> =>
    withStore({ objects, latencyMs: 0 }, (url) =>
      servers.withFresh(async (databaseUrl, db) => {
        await declareBucket(db, url);
        return measureBucket(servers, settings, databaseUrl, db, objects, OLD_SPACE_MB);
      }),
    );
  const many = Math.max(20_000, Math.round(MANY_OBJECTS * settings.scale));
  const peaks = await interleave('list-memory', Math.min(settings.pairs, MEMORY_RUNS), [
    { name: 'many', run: async () => (await fill(many)).peakMemoryMb },
    { name: 'few', run: async () => (await fill(FEW_OBJECTS)).peakMemoryMb },
  ]);
  const comparison = compare(peaks.many, peaks.few);
  return [
    {
      bench: 'list-memory',
      value: rounded(median(peaks.many)),
      unit: 'MB',
      against: `${FEW_OBJECTS} objects`,
      ...comparison,
      target: `ratio ≤ ${MAX_MEMORY_RATIO}`,
      reached: comparison.ratio <= MAX_MEMORY_RATIO,
    },
  ];
}

async function withStore<Result>(
  options: StoreOptions,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  const store = await startProgram<StoreOptions, 'url', string>(
    import.meta.url,
    'synthetic-store',
    options,
  );
  try {
    return await use(await store.run('url'));
  } finally {
    await store.stop();
  }
}
