import {
  type LedgerRow,
  readLedgerKeys,
  readLedgerRange,
} from '@odometer/database/objects/ledger-rows';
import { moveShard, type OpenShard, splitShard } from '@odometer/database/objects/listing-shards';
import { reasonOfListed } from '@odometer/database/objects/record-corrections';
import { noteVanished } from '@odometer/database/objects/vanished-objects';
import { compareKeys } from '@odometer/domain/objects/key-order';
import { storedKey } from '../../objects/place-object.ts';
import { addPageSums } from './add-page-sums.ts';
import type { BucketListing } from './bucket-listing.ts';
import { comparePage, type KeyedObject, type PageDifferences } from './compare-page.ts';
import { correctPage } from './correct-page.ts';
import { type Amount, type ListingTally, sumByReason } from './listing-tally.ts';
import type { ListedPage } from './object-lister.ts';
import { PAGES_A_SHARD } from './plan-shards.ts';

/** A page has a thousand objects; where the ledger has more, they vanished, and are noted a part at a time. */
const ROWS_AT_ONCE = 5_000;

/**
 * Compares a page with the ledger, corrects what it may, notes what is not listed any more, and moves the shard on, all in
 * one transaction; in several when the ledger has much that the page has not. What is the same is not written, but in a hashed ledger, whose
 * rows are not in the order of the listing: there each row that is seen is marked so (markSeen), which rewrites it.
 *
 * @returns the shard that goes on; undefined when there is no more of it.
 * @throws OdometerError `measurement_taken_over`
 */
export function mergePage(
  listing: BucketListing,
  shard: OpenShard,
  page: ListedPage,
): Promise<OpenShard | undefined> {
  return listing.turn(async () => {
    const { bucket } = listing.terms;
    const storable = page.objects.filter(({ key }) => !key.includes('\0'));
    let objects = storable.map((object) => ({ object, storedKey: storedKey(bucket, object.key) }));
    let at: OpenShard | undefined = shard;
    for (;;) {
      const piece = await nextPiece(listing, at.after, page, objects);
      at = await mergePiece(listing, at, page, piece);
      if (piece.isLast || at === undefined) return at;
      const { through } = piece;
      objects = objects.filter(({ object }) => compareKeys(object.key, through) > 0);
    }
  });
}

/** What is merged in one transaction: all that a page has of keys up to `through`. */
type Piece = {
  readonly objects: readonly KeyedObject[];
  readonly rows: readonly LedgerRow[];
} & (
  | { readonly isLast: true; readonly through: string | null }
  | { readonly isLast: false; readonly through: string }
);

async function nextPiece(
  listing: BucketListing,
  after: string | null,
  page: ListedPage,
  objects: readonly KeyedObject[],
): Promise<Piece> {
  const { parts, terms } = listing;
  const { bucket } = terms;
  const { ledger } = bucket.declaration;
  const { through } = page;
  const times = {
    settledBeforeMs: page.askedAtMs - terms.graceMs,
    credibleMs: listing.credibleMs(),
  };
  if (ledger === 'listing') return { objects, rows: [], isLast: true, through };
  if (ledger === 'hashed') {
    const keys = objects.map((object) => object.storedKey);
    const rows = await readLedgerKeys(parts.pool, bucket.id, keys, times);
    return { objects, rows, isLast: true, through };
  }
  for (let limit = ROWS_AT_ONCE; ; limit *= 4) {
    const range = { after, until: through };
    const rows = await readLedgerRange(parts.pool, bucket.id, range, times, limit);
    if (rows.length < limit) return { objects, rows, isLast: true, through };
    // There may be more rows of the last key.
    const open = rows.at(-1)?.key;
    const whole = rows.filter(({ key }) => key !== open);
    const last = whole.at(-1)?.key;
    if (last === undefined) continue;
    const upTo = objects.filter(({ object }) => compareKeys(object.key, last) <= 0);
    return { objects: upTo, rows: whole, isLast: false, through: last };
  }
}

async function mergePiece(
  listing: BucketListing,
  shard: OpenShard,
  page: ListedPage,
  piece: Piece,
): Promise<OpenShard | undefined> {
  const { bucket, graceMs, isDryRun } = listing.terms;
  const { ledger } = bucket.declaration;
  const listedAtMs = page.askedAtMs - graceMs;
  const compared = comparePage(piece.objects, piece.rows, {
    settledBeforeMs: listedAtMs,
    credibleMs: listing.credibleMs(),
  });
  const pages = shard.pages + Number(piece.isLast);
  let next: OpenShard | undefined;
  await listing.step(foundIn(listing, page, piece, compared), async (transaction) => {
    next = await advance();
    if (ledger === 'listing') return addPageSums(listing, transaction, piece.objects);
    if (ledger === 'full' && compared.vanished.length > 0) {
      const vanished = compared.vanished.map((row) => ({ ...row, listedAtMs }));
      await noteVanished(transaction, listing.measurementId, bucket.id, vanished);
    }
    return correctPage(listing, transaction, {
      listed: piece.objects,
      differing: isDryRun ? [] : compared.differing,
      askedAtMs: page.askedAtMs,
    });

    async function advance(): Promise<OpenShard | undefined> {
      const id = listing.measurementId;
      const isDone = piece.isLast && page.isLast;
      const through = isDone ? null : piece.through;
      if (through !== null && piece.isLast && pages >= PAGES_A_SHARD) {
        return splitShard(transaction, id, { shard: shard.shard, through, pages });
      }
      await moveShard(transaction, id, { shard: shard.shard, through, pages });
      return isDone ? undefined : { ...shard, after: through, pages };
    }
  });
  return next;
}

/** What is known of a piece before anything is written. */
function foundIn(
  { terms }: BucketListing,
  page: ListedPage,
  { objects, isLast }: Piece,
  { differing, confirmed, recent, removedBefore }: PageDifferences,
): Partial<ListingTally> {
  const unstorable = isLast ? page.objects.filter(({ key }) => key.includes('\0')) : [];
  const found = {
    pages: Number(isLast),
    listed: amountOf(objects.map(({ object }) => object)),
    confirmed,
    recent,
    removedBefore,
    unstorable: amountOf(unstorable),
  };
  if (!terms.isDryRun) return found;
  const would = differing.map(({ object, row }) => {
    const was = row?.live === true ? row.sizeBytes : 0;
    return {
      reason: reasonOfListed(row?.live === true),
      key: object.key,
      version: object.version,
      ledgerBytes: String(was),
      listedBytes: String(object.sizeBytes),
      bytes: BigInt(object.sizeBytes) - BigInt(was),
    };
  });
  const samples = would.map(({ bytes: _, ...sample }) => sample);
  return { ...found, corrections: sumByReason(would), samples };
}

function amountOf(objects: readonly { readonly sizeBytes: number }[]): Amount {
  let bytes = 0n;
  for (const { sizeBytes } of objects) bytes += BigInt(sizeBytes);
  return { objects: objects.length, bytes };
}
