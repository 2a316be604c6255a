import { compareKeys } from '@odometer/domain/objects/key-order';
import type { ObjectLister } from './object-lister.ts';

/** Pages of a shard, after which it is cut for the next listing: some ten thousand objects, and seconds of work. */
export const PAGES_A_SHARD = 16;
/** Shards for each part that is read at once, so that the last one to end is not the only one for long. */
const SHARDS_A_TURN = 4;
/** Requests that looking for prefixes may take: less than a listing that needs to be cut. */
const MOST_LOOKS = 32;

/**
 * Where to cut a bucket that was listed before: where the shards of then ended, those that have become short put together.
 *
 * @param shards of the last listing, in the order of their keys.
 */
export function boundariesOfLastListing(
  shards: readonly { readonly until: string | null; readonly pages: number }[],
): readonly string[] {
  const boundaries: string[] = [];
  let pages = 0;
  for (const [index, shard] of shards.entries()) {
    pages += shard.pages;
    const next = shards[index + 1];
    if (next === undefined || shard.until === null || pages + next.pages <= PAGES_A_SHARD) continue;
    boundaries.push(shard.until);
    pages = 0;
  }
  return boundaries;
}

/**
 * Where to cut a bucket that was never listed: at the prefixes that its keys have, as deep as it takes to find enough of
 * them. Whatever they are, the shards cover all keys; how even they are depends on the keys.
 *
 * @throws as ObjectLister does.
 */
export async function boundariesOfPrefixes(
  lister: ObjectLister,
  concurrency: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const [first] = await firstOf(lister.pages({ after: null, until: null }, signal));
  if (first?.isLast !== false || concurrency === 1) return [];
  const wanted = concurrency * SHARDS_A_TURN;
  let level: readonly string[] = [''];
  let looks = 0;
  while (level.length < wanted && looks + level.length <= MOST_LOOKS) {
    looks += level.length;
    const deeper = await Promise.all(level.map((prefix) => lister.prefixes(prefix, signal)));
    if (deeper.every((prefixes) => prefixes.length === 0)) break;
    level = deeper.flatMap((prefixes, index) => {
      const above = level[index];
      return prefixes.length === 0 && above !== undefined ? [above] : prefixes;
    });
  }
  const found = [...new Set(level)].filter((prefix) => prefix !== '' && !prefix.includes('\0'));
  return thinned(found.sort(compareKeys), wanted - 1);
}

/** At most `most` of them, evenly. */
function thinned(boundaries: readonly string[], most: number): readonly string[] {
  if (boundaries.length <= most) return boundaries;
  return Array.from(
    { length: most },
    (_, index) => boundaries[Math.floor(((index + 1) * boundaries.length) / (most + 1))] ?? '',
  ).filter((boundary, index, all) => boundary !== '' && boundary !== all[index - 1]);
}

async function firstOf<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  for await (const item of items) return [item];
  return [];
}
