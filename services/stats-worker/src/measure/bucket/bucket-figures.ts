import { readBucketLevels } from '@odometer/database/objects/bucket-levels';
import type { Figures } from '../process-measure.ts';
import type { BucketListing } from './bucket-listing.ts';
import type { Amount } from './listing-tally.ts';
import type { UnfinishedUploads } from './object-lister.ts';
import { isTooMuch } from './sweep-vanished.ts';

/** Quantities in decimal text, for bytes may be beyond what a number holds. */
export interface ShownAmount {
  readonly objects: string;
  readonly bytes: string;
}

/** What a complete listing of a bucket has found. */
export interface BucketFigures extends Figures {
  readonly versioned: boolean;
  /** Requests that listed. */
  readonly pages: string;
  readonly listed: ShownAmount;
  /** Live in the ledger now. */
  readonly ledger: ShownAmount;
  readonly unattributed: ShownAmount;
  readonly types: Readonly<Record<string, ShownAmount>>;
  /** Objects that were corrected, or would be, and by how many bytes, by reason. */
  readonly corrections: Readonly<Record<string, ShownAmount>>;
  /** Whether the corrections are what the bucket held when it was listed first: not each of them is kept. */
  readonly filled: boolean;
  /** By how much the ledger was wrong: what the corrections come to. */
  readonly drift: ShownAmount;
  /** In the ledger and not in the listing. */
  readonly vanished: ShownAmount;
  /** Differ, and are left to the next listing: a notification may be under way. */
  readonly recent: string;
  /** Versions that are listed although they were removed. */
  readonly removedBefore: string;
  /** With keys that cannot be kept, and that are not in the ledger. */
  readonly unstorable: ShownAmount;
  /** Parts of uploads that are not completed: the store bills them and no listing has them. null: it does not show them. */
  readonly multipartUploads:
    | (Omit<ShownAmount, 'objects'> & {
        readonly uploads: string;
        readonly parts: string;
        readonly unread: string;
      })
    | null;
}

export async function bucketFigures(
  listing: BucketListing,
  isVersioned: boolean,
  uploads: UnfinishedUploads | undefined,
): Promise<BucketFigures> {
  const { parts, terms, tally, isFilling } = listing;
  const levels = await readBucketLevels(parts.pool, terms.bucket.id);
  const types = [...new Set(levels.map(({ type }) => type))].map(
    (type) => [type, shownSum(levels.filter((level) => level.type === type))] as const,
  );
  const reasons = Object.entries(tally.corrections);
  const { missed_creation, missed_removal } = tally.corrections;
  const ledger = shownSum(levels);
  const driftBytes = reasons.reduce((sum, [, { bytes }]) => sum + bytes, 0n);
  return {
    versioned: isVersioned,
    pages: String(tally.pages),
    listed: shown(tally.listed),
    ledger,
    unattributed: shownSum(levels.filter(({ isAttributed }) => !isAttributed)),
    types: Object.fromEntries(types),
    corrections: Object.fromEntries(reasons.map(([reason, amount]) => [reason, shown(amount)])),
    filled: isFilling,
    drift: shown({
      objects: missed_creation.objects - missed_removal.objects,
      bytes: driftBytes,
    }),
    vanished: shown(tally.vanished),
    recent: String(tally.recent),
    removedBefore: String(tally.removedBefore),
    unstorable: shown(tally.unstorable),
    multipartUploads:
      uploads === undefined
        ? null
        : {
            uploads: String(uploads.uploads),
            parts: String(uploads.parts),
            bytes: String(uploads.bytes),
            unread: String(uploads.unread),
          },
    ...(terms.isDryRun && {
      dryRun: true,
      wouldBeRefused: isTooMuch(listing, tally.vanished, Number(ledger.objects)),
      samples: tally.samples,
    }),
  };
}

function shown({ objects, bytes }: Amount): ShownAmount {
  return { objects: String(objects), bytes: String(bytes) };
}

function shownSum(
  amounts: readonly { readonly objects: bigint; readonly bytes: bigint }[],
): ShownAmount {
  return {
    objects: String(amounts.reduce((sum, { objects }) => sum + objects, 0n)),
    bytes: String(amounts.reduce((sum, { bytes }) => sum + bytes, 0n)),
  };
}
