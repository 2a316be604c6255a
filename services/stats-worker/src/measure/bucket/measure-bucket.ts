import { readBucketHistory } from '@odometer/database/objects/bucket-levels';
import { listBuckets } from '@odometer/database/objects/buckets';
import {
  createShards,
  forgetListings,
  shardsOfLastListing,
} from '@odometer/database/objects/listing-shards';
import type { Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { isSameBucket } from '@odometer/domain/objects/same-bucket';
import { type DeclaredBucket, readyBucket } from '../../objects/bucket-catalogue.ts';
import { keepHold } from '../keep-hold.ts';
import type { Measurer } from '../process-measure.ts';
import { type BucketFigures, bucketFigures } from './bucket-figures.ts';
import {
  BucketListing,
  type BucketParts,
  DeclaredAnew,
  type ListingTerms,
  markOf,
} from './bucket-listing.ts';
import { listShards } from './list-shards.ts';
import type { ObjectLister } from './object-lister.ts';
import { boundariesOfLastListing, boundariesOfPrefixes } from './plan-shards.ts';
import { retireBucket } from './retire-bucket.ts';
import { sweepVanished } from './sweep-vanished.ts';

/** Rows a transaction: some hundred milliseconds. */
const FORGOTTEN_AT_ONCE = 20_000;

/**
 * Measures a bucket: one complete listing, compared with the ledger page by page, and what differs put right. A listing that
 * fails anywhere removes nothing.
 *
 * Purposes: all correct, and the first one of a bucket fills, unless it is a `reconcile`. `backfill` takes nothing out.
 * `retire` empties one that is declared no more. `reconcile` comes with the options `dryRun` (tells what it would do) and `acceptDrift` (an operator has seen it).
 *
 * @throws OdometerError `bucket_not_found`, `measurement_refused`, `measurement_taken_over`; those of ObjectLister.
 */
export function createBucketMeasurer(parts: BucketParts): Measurer {
  return (measurement, signal) =>
    measurement.purpose === 'retire'
      ? retireBucket(parts.pool, measurement, signal)
      : keepHold(parts.pool, measurement, signal, (held) =>
          measureBucket(parts, measurement, held),
        );
}

async function measureBucket(
  parts: BucketParts,
  measurement: Parameters<Measurer>[0],
  signal: AbortSignal,
): Promise<BucketFigures> {
  for (let { progress } = measurement; ; progress = {}) {
    try {
      return await measureAsDeclared(parts, { ...measurement, progress }, signal);
    } catch (error) {
      if (!(error instanceof DeclaredAnew)) throw error;
      signal.throwIfAborted();
    }
  }
}

/** @throws DeclaredAnew */
async function measureAsDeclared(
  parts: BucketParts,
  measurement: Parameters<Measurer>[0],
  signal: AbortSignal,
): Promise<BucketFigures> {
  const { id, holder, target, purpose, options, progress } = measurement;
  const bucket = await declaredBucket(parts.pool, target);
  const { graceSeconds, notifications } = bucket.declaration;
  const kept = progress.declaration === markOf(bucket) ? progress : {};
  // Where nothing is notified of, nothing is under way.
  const graceMs = notifications.kind === 'none' ? 0 : graceSeconds * 1_000;
  const history = await readBucketHistory(parts.pool, bucket.id);
  const { declaredAtMs, completeAtMs, listedMappingVersion } = history;
  const terms: ListingTerms = {
    hold: { id, holder },
    bucket,
    isMappedAnew:
      listedMappingVersion !== undefined && listedMappingVersion !== bucket.mappingVersion,
    isDryRun: options.dryRun === true,
    graceMs,
    // What was there by the last listing was seen by it, all but what was as recent as the grace.
    sinceMs: Math.max(declaredAtMs, (completeAtMs ?? 0) - graceMs),
  };
  // Of a bucket that is known, a backfill corrects what was missed, as any other: each correction with its entry.
  const isFilling = completeAtMs === undefined && purpose !== 'reconcile';
  const listing = new BucketListing(parts, terms, kept, { isFilling, ...history });
  const lister = await parts.openLister(bucket.declaration, signal);

  if (listing.phase === 'new') await plan(listing, lister, signal);
  if (listing.phase === 'listing') await listShards(listing, lister, signal);
  await sweepVanished(
    listing,
    {
      isDriftAccepted: options.acceptDrift === true,
      // A ledger of listings has nothing but what the last one says, whatever it was for.
      isSweeping: purpose !== 'backfill' || bucket.declaration.ledger === 'listing',
    },
    signal,
  );
  const uploads = await lister.unfinishedUploads(signal);
  // That took requests by the thousand, perhaps: what was declared anew meanwhile is not complete.
  await listing.turn(() => listing.step({}, async () => undefined));
  return bucketFigures(listing, lister.isVersioned, uploads);
}

/** @throws OdometerError `bucket_not_found`; `measurement_refused`: it is declared twice, and its objects would count twice. */
async function declaredBucket(pool: Pool, name: string): Promise<DeclaredBucket> {
  const all = (await listBuckets(pool)).flatMap((stored) => readyBucket(stored) ?? []);
  const bucket = all.find(({ declaration }) => declaration.name === name);
  if (bucket === undefined) throw new OdometerError('bucket_not_found', { bucket: name });
  const first = all.find(
    ({ id, declaration }) => id < bucket.id && isSameBucket(declaration, bucket.declaration),
  );
  if (first === undefined) return bucket;
  const reason = `it is declared as ${first.declaration.name}, too, and counts there`;
  throw new OdometerError('measurement_refused', { reason });
}

async function plan(
  listing: BucketListing,
  lister: ObjectLister,
  signal: AbortSignal,
): Promise<void> {
  const { parts, terms, measurementId } = listing;
  const { name, listConcurrency } = terms.bucket.declaration;
  const last = await shardsOfLastListing(parts.pool, name);
  const boundaries =
    last.length > 0
      ? boundariesOfLastListing(last)
      : await boundariesOfPrefixes(lister, listConcurrency, signal);
  await forgetLeftBehind(listing, signal);
  await listing.turn(() =>
    listing.step(
      {},
      async (transaction) => {
        await createShards(transaction, measurementId, boundaries);
        return undefined;
      },
      'listing',
    ),
  );
}

/** Before it begins, and not when one is complete: a bucket that is refused every hour notes all that vanished every hour. */
async function forgetLeftBehind(listing: BucketListing, signal: AbortSignal): Promise<void> {
  const { name } = listing.terms.bucket.declaration;
  for (let isMore = true; isMore; ) {
    signal.throwIfAborted();
    await listing.turn(() =>
      // A step, so that whoever lost the measurement forgets nothing of what the other one is at.
      listing.step({}, async (transaction) => {
        isMore = await forgetListings(transaction, name, listing.measurementId, FORGOTTEN_AT_ONCE);
        return undefined;
      }),
    );
  }
}
