import { correctListed } from '@odometer/database/objects/correct-listed';
import { markSeen } from '@odometer/database/objects/ledger-rows';
import { reasonOfListed, recordCorrections } from '@odometer/database/objects/record-corrections';
import { holdSettlement } from '@odometer/database/objects/settlement';
import type { Transaction } from '@odometer/database/pool';
import { ownerOf, placeObject } from '../../objects/place-object.ts';
import { StorageDifferences } from '../../objects/storage-differences.ts';
import type { BucketListing, StepResult } from './bucket-listing.ts';
import type { KeyedObject } from './compare-page.ts';
import { sumByReason } from './listing-tally.ts';

/**
 * Makes the ledger what a page has, and books the difference, in the lock order catalogue → registry → storage → stored
 * objects → accounts → levels → changes.
 */
export async function correctPage(
  listing: BucketListing,
  transaction: Transaction,
  page: {
    readonly listed: readonly KeyedObject[];
    readonly differing: readonly KeyedObject[];
    readonly askedAtMs: number;
  },
): Promise<StepResult> {
  const { parts, terms, measurementId, isFilling } = listing;
  const { bucket } = terms;
  const { listed, differing, askedAtMs } = page;
  const isHashed = bucket.declaration.ledger === 'hashed';
  if (differing.length === 0 && !isHashed) return undefined;

  const places = differing.map(({ object }) => placeObject(bucket, object.key));
  const names = await parts.registry.resolve(
    transaction,
    places.flatMap(({ owner }) => owner ?? []),
  );
  const settlement = await holdSettlement(transaction);
  if (isHashed) {
    const seen = listed.map(({ storedKey, object: { version } }) => ({ key: storedKey, version }));
    await markSeen(transaction, bucket.id, measurementId, seen);
  }
  if (differing.length === 0) return undefined;

  const rows = differing.flatMap(({ storedKey, object }, index) => {
    const place = places[index];
    if (place === undefined) return [];
    const { version, sizeBytes, storageClass = null, lastModifiedMs } = object;
    const owner = ownerOf(place, names);
    return {
      ...owner,
      bucketId: bucket.id,
      key: storedKey,
      version,
      sizeBytes,
      storageClass,
      atMs: Math.min(lastModifiedMs, askedAtMs),
    };
  });
  const corrected = (
    await correctListed(transaction, rows, listing.knowledge(askedAtMs), measurementId)
  ).map((row) => ({ ...row, reason: reasonOfListed(row.previousLive) }));
  const differences = new StorageDifferences(settlement);
  for (const row of corrected) {
    differences.add(bucket.id, row, {
      bytes: row.bytes - row.previousBytes,
      objects: Number(!row.previousLive),
      atMs: Math.max(row.atMs, terms.sinceMs),
    });
  }
  if (!isFilling) await recordCorrections(transaction, measurementId, bucket.id, corrected);
  await differences.book(transaction);
  const changes = corrected.map(({ reason, bytes, previousBytes }) => ({
    reason,
    bytes: bytes - previousBytes,
  }));
  return { found: { corrections: sumByReason(changes) }, onCommit: () => names.publish() };
}
