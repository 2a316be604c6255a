import { type OpenShard, openShards } from '@odometer/database/objects/listing-shards';
import type { BucketListing } from './bucket-listing.ts';
import { mergePage } from './merge-page.ts';
import type { ObjectLister } from './object-lister.ts';

/**
 * Reads all shards that are not done, several at once. When one fails the others stop where they are.
 *
 * @throws what went wrong first; the signal's reason when it is aborted.
 */
export async function listShards(
  listing: BucketListing,
  lister: ObjectLister,
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...(await openShards(listing.parts.pool, listing.measurementId))];
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const read = async () => {
    try {
      for (let shard = waiting.shift(); shard !== undefined; shard = waiting.shift()) {
        await listShard(listing, lister, shard, either);
      }
    } catch (error) {
      failed.abort(error);
    }
  };
  const { listConcurrency } = listing.terms.bucket.declaration;
  await Promise.all(Array.from({ length: Math.min(listConcurrency, waiting.length) }, read));
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
}

async function listShard(
  listing: BucketListing,
  lister: ObjectLister,
  shard: OpenShard,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  let at: OpenShard | undefined = shard;
  for await (const page of lister.pages({ after: shard.after, until: shard.until }, signal)) {
    at = await mergePage(listing, at, page);
    if (at === undefined) return;
    signal.throwIfAborted();
  }
}
