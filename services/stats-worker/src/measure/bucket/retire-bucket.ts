import { lockCatalogueShared } from '@odometer/database/advisory-locks';
import {
  type Hold,
  keepProgress,
  type Measurement,
} from '@odometer/database/measuring/measurements';
import { forgetListings } from '@odometer/database/objects/listing-shards';
import {
  lockObjects,
  nextObjects,
  type ObjectPosition,
} from '@odometer/database/objects/move-objects';
import {
  deleteObjects,
  findRetiredBucket,
  heldLevels,
  markEmptied,
  type RetiredBucket,
  type RetiredObject,
  recordRetired,
} from '@odometer/database/objects/retired-buckets';
import { holdSettlement } from '@odometer/database/objects/settlement';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { z } from 'zod';
import { StorageDifferences } from '../../objects/storage-differences.ts';
import { retryConflicts } from '../../retry-conflicts.ts';
import type { Figures } from '../process-measure.ts';

/** Some hundred milliseconds. */
const OBJECTS_A_TRANSACTION = 2_000;
const FORGOTTEN_AT_ONCE = 20_000;

const progressSchema = z.object({
  /** Rows up to this one are gone. */
  after: z.object({ key: z.string(), version: z.string() }).nullable().default(null),
  objects: z.int().default(0),
  bytes: z.string().default('0'),
});

type Progress = Readonly<z.infer<typeof progressSchema>>;

/**
 * Takes what was counted of a bucket that is declared no more out of the ledger and the levels, each object with its entry, as
 * of when it was retired: byte-hours end there, however long this takes. In parts, each a transaction that keeps how far it is,
 * so it goes on where it stopped, and done twice it does nothing. Nobody adds anything meanwhile: whoever counts asks the
 * catalogue, under whose lock it was retired.
 *
 * @returns what was taken out; nothing when the bucket is empty.
 * @throws OdometerError `measurement_taken_over`; `measurement_refused`: it is not retired.
 */
export async function retireBucket(
  pool: Pool,
  measurement: Measurement & Hold,
  signal: AbortSignal,
): Promise<Figures> {
  const isBegun = Object.keys(measurement.progress).length > 0;
  // The last part of one that was killed may find it declared anew.
  if (!isBegun && (await findRetiredBucket(pool, measurement.target)) === undefined) {
    throw new OdometerError('measurement_refused', { reason: 'it is not retired' });
  }
  let progress = progressSchema.parse(measurement.progress);
  for (let isMore = true; isMore; ) {
    signal.throwIfAborted();
    const before = progress;
    const done = await step(pool, measurement, before, async (transaction, bucket) => {
      const page = await nextObjects(transaction, bucket.id, before.after, OBJECTS_A_TRANSACTION);
      const gone = await takeOut(transaction, measurement.id, bucket, page);
      const kept = {
        after: page.at(-1) ?? before.after,
        objects: gone.reduce((sum, { objects }) => sum + objects, before.objects),
        bytes: String(gone.reduce((sum, { bytes }) => sum + bytes, BigInt(before.bytes))),
      };
      return { kept, isMore: page.length > 0 };
    });
    [progress, isMore] = [done.kept, done.isMore];
  }
  for (let isMore = true; isMore; ) {
    signal.throwIfAborted();
    const kept = progress;
    const done = await step(pool, measurement, kept, async (transaction, bucket) => {
      const { id, target } = measurement;
      const isMore = await forgetListings(transaction, target, id, FORGOTTEN_AT_ONCE);
      if (!isMore) await markEmptied(transaction, bucket.id);
      return { kept, isMore };
    });
    isMore = done.isMore;
  }
  return { objects: String(progress.objects), bytes: progress.bytes };
}

interface Step {
  readonly kept: Progress;
  readonly isMore: boolean;
}

/** Nothing is to be done in a bucket that is empty, or declared anew. */
function step(
  pool: Pool,
  measurement: Measurement & Hold,
  before: Progress,
  work: (transaction: Transaction, bucket: RetiredBucket) => Promise<Step>,
): Promise<Step> {
  return retryConflicts(
    () =>
      inTransaction(pool, async (transaction) => {
        await keep(transaction, measurement, before);
        await lockCatalogueShared(transaction);
        const bucket = await findRetiredBucket(transaction, measurement.target);
        if (bucket === undefined || bucket.isEmptied) return { kept: before, isMore: false };
        const done = await work(transaction, bucket);
        await keep(transaction, measurement, done.kept);
        return done;
      }),
    () => {},
  );
}

/** The tally is as that of a listing, for whoever waits and looks how far it is. */
async function keep(transaction: Transaction, hold: Hold, progress: Progress): Promise<void> {
  const tally = { listed: { objects: progress.objects } };
  await keepProgress(transaction, hold, { ...progress, tally });
}

/**
 * Takes rows out; without any, what levels are left: those of a bucket that keeps no rows.
 *
 * @returns what they held.
 */
async function takeOut(
  transaction: Transaction,
  measurementId: string,
  { id, retiredAtMs }: RetiredBucket,
  page: readonly ObjectPosition[],
): Promise<readonly RetiredObject[]> {
  const differences = new StorageDifferences(await holdSettlement(transaction));
  const gone: RetiredObject[] = [];
  if (page.length > 0) {
    for (const row of await lockObjects(transaction, id, page)) {
      if (!row.live) continue;
      const { sizeBytes: bytes } = row;
      differences.add(id, row, { bytes: -bytes, objects: -1, atMs: retiredAtMs });
      gone.push({ ...row, bytes, objects: 1 });
    }
    await deleteObjects(transaction, id, page);
  } else {
    for (const level of await heldLevels(transaction, id)) {
      const { bytes, objects } = level;
      const owner = { ...level, unattributedTo: null };
      differences.add(id, owner, { bytes: -bytes, objects: -objects, atMs: retiredAtMs });
      gone.push({ ...level, key: '', version: '' });
    }
  }
  await recordRetired(transaction, measurementId, id, gone);
  await differences.book(transaction);
  return gone;
}
