import { countLiveObjects } from '@odometer/database/objects/bucket-levels';
import { differencesFromLevels } from '@odometer/database/objects/listing-sums';
import { recordCorrections } from '@odometer/database/objects/record-corrections';
import { holdSettlement } from '@odometer/database/objects/settlement';
import {
  noteUnseen,
  removeVanished,
  sampleVanished,
  sumVanished,
} from '@odometer/database/objects/vanished-objects';
import { inTransaction } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { StorageDifferences } from '../../objects/storage-differences.ts';
import type { BucketListing } from './bucket-listing.ts';
import { type Amount, sumByReason } from './listing-tally.ts';
import { lostOfLevels } from './lost-of-levels.ts';

/** Rows a transaction: below a second, for appliers that wait for one of them. */
const ROWS_AT_ONCE = 1_000;
/** So few may vanish whatever share they are: of a bucket with three objects one is a third. Unless none may at all. */
const A_HANDFUL = 10;
const MOST_SAMPLES = 20;

/** What the one who asks may want besides. */
export interface SweepOptions {
  /** An operator has seen what would vanish, and says that it is so. */
  readonly isDriftAccepted: boolean;
  /** Whether what vanished is to be taken out. */
  readonly isSweeping: boolean;
}

/**
 * After a complete listing: decides whether it is believed, and takes out of the ledger what it does not have. Of a bucket
 * without a ledger it makes the levels what the listing has seen.
 *
 * @throws OdometerError `measurement_refused`: too much would vanish; nothing was taken out.
 */
export async function sweepVanished(
  listing: BucketListing,
  options: SweepOptions,
  signal: AbortSignal,
): Promise<void> {
  const { bucket, isDryRun } = listing.terms;
  const isLedger = bucket.declaration.ledger !== 'listing';
  if (listing.phase === 'listing') {
    if (bucket.declaration.ledger === 'hashed') await noteAllUnseen(listing, signal);
    const { vanished, live } = await listing.turn(() =>
      inTransaction(listing.parts.pool, async (transaction) => {
        const { measurementId, terms } = listing;
        const live = await countLiveObjects(transaction, bucket.id);
        if (isLedger) {
          return {
            live,
            vanished: await sumVanished(transaction, measurementId, listing.credibleMs()),
          };
        }
        const changed = await differencesFromLevels(transaction, measurementId, bucket.id);
        return { live, vanished: lostOfLevels(changed, terms.isMappedAnew) };
      }),
    );
    if (options.isSweeping && !isDryRun && !options.isDriftAccepted) {
      refuseDrift(listing, vanished, live);
    }
    await believe(listing, vanished);
  }
  if (!options.isSweeping || isDryRun) return;
  if (isLedger) await removeAll(listing, signal);
  else await setLevels(listing);
}

/**
 * Whether so much vanished that it is rather the listing that is wrong: of another bucket, or of a store that lost its disk.
 *
 * @param live objects of the ledger now.
 */
export function isTooMuch(listing: BucketListing, vanished: Amount, live: number): boolean {
  const { maxVanishingPercent } = listing.terms.bucket.declaration;
  const handful = maxVanishingPercent === 0 ? 0 : A_HANDFUL;
  const objects = couldHaveVanished(listing, vanished, live);
  return vanished.objects > handful && vanished.objects * 100 > maxVanishingPercent * objects;
}

/**
 * What vanishes is a share of this: what the listing looked for, as far as it is there yet, for it may have been hours ago.
 * What listings have added that were not believed, this one too, counts for nothing.
 */
function couldHaveVanished(
  { terms, tally, unbelievedBefore }: BucketListing,
  vanished: Amount,
  live: number,
): number {
  const added = terms.isDryRun ? 0 : tally.corrections.missed_creation.objects;
  // Without a ledger nobody but a listing changes what is there.
  const isLedger = terms.bucket.declaration.ledger !== 'listing';
  const lookedFor = isLedger ? tally.confirmed + vanished.objects : live;
  return Math.max(0, Math.min(lookedFor, live - added) - unbelievedBefore);
}

function refuseDrift(listing: BucketListing, vanished: Amount, live: number): void {
  if (!isTooMuch(listing, vanished, live)) return;
  const { maxVanishingPercent } = listing.terms.bucket.declaration;
  throw new OdometerError('measurement_refused', {
    reason:
      `${vanished.objects} of ${couldHaveVanished(listing, vanished, live)} objects, ${vanished.bytes} bytes, would vanish, more than ` +
      `${maxVanishingPercent} %; nothing was taken out (if they are gone, odometer reconcile --accept-drift)`,
  });
}

/** From here on it is swept, however much of it is swept already when it goes on elsewhere. */
async function believe(listing: BucketListing, vanished: Amount): Promise<void> {
  await listing.turn(() =>
    listing.step(
      { vanished },
      async (transaction) => {
        if (!listing.terms.isDryRun || listing.terms.bucket.declaration.ledger === 'listing') {
          return undefined;
        }
        const some = await sampleVanished(transaction, listing.measurementId, MOST_SAMPLES);
        const missed_removal = { objects: vanished.objects, bytes: -vanished.bytes };
        return {
          found: {
            corrections: { ...sumByReason([]), missed_removal },
            samples: some.map(({ key, version, bytes }) => ({
              reason: 'missed_removal',
              key,
              version,
              ledgerBytes: bytes,
              listedBytes: '0',
            })),
          },
        };
      },
      'sweeping',
    ),
  );
}

async function noteAllUnseen(listing: BucketListing, signal: AbortSignal): Promise<void> {
  const { bucket } = listing.terms;
  const knowledge = listing.knowledge(listing.begunAtMs);
  for (let after: string | undefined = ''; after !== undefined; ) {
    signal.throwIfAborted();
    const from: string = after;
    await listing.turn(() =>
      listing.step({}, async (transaction) => {
        const id = listing.measurementId;
        after = await noteUnseen(transaction, id, bucket.id, from, knowledge, ROWS_AT_ONCE);
        return undefined;
      }),
    );
  }
}

async function removeAll(listing: BucketListing, signal: AbortSignal): Promise<void> {
  const { bucket } = listing.terms;
  for (let isMore = true; isMore; ) {
    signal.throwIfAborted();
    await listing.turn(() =>
      listing.step({}, async (transaction) => {
        const id = listing.measurementId;
        const settlement = await holdSettlement(transaction);
        const knowledge = listing.knowledge(listing.nowMs());
        const { removed, looked } = await removeVanished(transaction, id, knowledge, ROWS_AT_ONCE);
        isMore = looked > 0;
        if (removed.length === 0) return undefined;
        const differences = new StorageDifferences(settlement);
        const corrections = removed.map((row) => ({ ...row, reason: 'missed_removal' as const }));
        for (const row of corrections) {
          const { previousBytes, atMs } = row;
          differences.add(bucket.id, row, { bytes: -previousBytes, objects: -1, atMs });
        }
        if (!listing.isFilling) await recordCorrections(transaction, id, bucket.id, corrections);
        await differences.book(transaction);
        const changes = corrections.map(({ reason, previousBytes }) => ({
          reason,
          bytes: -previousBytes,
        }));
        return { found: { corrections: sumByReason(changes) } };
      }),
    );
  }
}

/** Makes levels what the listing has seen. Done twice it changes nothing. */
async function setLevels(listing: BucketListing): Promise<void> {
  const { bucket } = listing.terms;
  await listing.turn(() =>
    listing.step({}, async (transaction) => {
      const settlement = await holdSettlement(transaction);
      const differences = new StorageDifferences(settlement);
      const changed = await differencesFromLevels(transaction, listing.measurementId, bucket.id);
      for (const level of changed) {
        const { bytes, objects } = level;
        // When each of them came and went nobody has told, nor for which name.
        const owner = { ...level, unattributedTo: null };
        differences.add(bucket.id, owner, { bytes, objects, atMs: listing.begunAtMs });
      }
      await differences.book(transaction);
      return undefined;
    }),
  );
}
