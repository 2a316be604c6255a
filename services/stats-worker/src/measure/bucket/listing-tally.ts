import type { CorrectionReason } from '@odometer/database/objects/record-corrections';

/** Objects and their bytes. */
export interface Amount {
  readonly objects: number;
  readonly bytes: bigint;
}

/** One correction, or what would be one. */
export interface Sample {
  readonly reason: CorrectionReason;
  readonly key: string;
  readonly version: string;
  /** What it was, and what it is by the listing; 0: not there. */
  readonly ledgerBytes: string;
  readonly listedBytes: string;
}

/** What a listing has found so far. It is kept with each step, so that another process goes on counting where this one stops. */
export interface ListingTally {
  readonly pages: number;
  readonly listed: Amount;
  readonly corrections: Readonly<Record<CorrectionReason, Amount>>;
  /** Live in the ledger before they were listed: with what vanished all that this listing could have missed. */
  readonly confirmed: number;
  readonly vanished: Amount;
  /** Left to the next listing. */
  readonly recent: number;
  readonly removedBefore: number;
  /** With keys that Postgres cannot hold. */
  readonly unstorable: Amount;
  readonly samples: readonly Sample[];
}

const NOTHING: Amount = { objects: 0, bytes: 0n };

const EMPTY_TALLY: ListingTally = {
  pages: 0,
  listed: NOTHING,
  corrections: { missed_creation: NOTHING, missed_change: NOTHING, missed_removal: NOTHING },
  confirmed: 0,
  vanished: NOTHING,
  recent: 0,
  removedBefore: 0,
  unstorable: NOTHING,
  samples: [],
};

/** Enough to see what kind of objects it is about. */
const MOST_SAMPLES = 50;

export function addTallies(a: ListingTally, b: Partial<ListingTally>): ListingTally {
  const { corrections } = b;
  return {
    pages: a.pages + (b.pages ?? 0),
    listed: addAmounts(a.listed, b.listed),
    corrections: {
      missed_creation: addAmounts(a.corrections.missed_creation, corrections?.missed_creation),
      missed_change: addAmounts(a.corrections.missed_change, corrections?.missed_change),
      missed_removal: addAmounts(a.corrections.missed_removal, corrections?.missed_removal),
    },
    confirmed: a.confirmed + (b.confirmed ?? 0),
    vanished: addAmounts(a.vanished, b.vanished),
    recent: a.recent + (b.recent ?? 0),
    removedBefore: a.removedBefore + (b.removedBefore ?? 0),
    unstorable: addAmounts(a.unstorable, b.unstorable),
    samples: [...a.samples, ...(b.samples ?? [])].slice(0, MOST_SAMPLES),
  };
}

function addAmounts(a: Amount, b: Amount = NOTHING): Amount {
  return { objects: a.objects + b.objects, bytes: a.bytes + b.bytes };
}

/** A tally as it is kept: bytes are decimal text. */
export function tallyToJson(tally: ListingTally): object {
  return JSON.parse(
    JSON.stringify(tally, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
  );
}

interface KeptAmount {
  readonly objects: number;
  readonly bytes: string;
}

/** What `tallyToJson` made; undefined is an empty one. */
export function tallyFromJson(json: unknown): ListingTally {
  if (json === undefined) return EMPTY_TALLY;
  const kept = json as Omit<ListingTally, 'listed' | 'corrections' | 'vanished' | 'unstorable'> & {
    readonly listed: KeptAmount;
    readonly corrections: Readonly<Record<CorrectionReason, KeptAmount>>;
    readonly vanished: KeptAmount;
    readonly unstorable: KeptAmount;
  };
  const { missed_creation, missed_change, missed_removal } = kept.corrections;
  // Kept by a version that did not count them; without a number nothing would be too much.
  const { confirmed = 0 } = kept;
  return {
    ...kept,
    listed: amountOf(kept.listed),
    corrections: {
      missed_creation: amountOf(missed_creation),
      missed_change: amountOf(missed_change),
      missed_removal: amountOf(missed_removal),
    },
    confirmed,
    vanished: amountOf(kept.vanished),
    unstorable: amountOf(kept.unstorable),
  };
}

function amountOf({ objects, bytes }: KeptAmount): Amount {
  return { objects, bytes: BigInt(bytes) };
}

/** Corrections added up by their reason. @param changeOf by how many bytes each changed what is there. */
export function sumByReason(
  corrections: readonly { readonly reason: CorrectionReason; readonly bytes: bigint }[],
): Record<CorrectionReason, Amount> {
  const sums = { missed_creation: NOTHING, missed_change: NOTHING, missed_removal: NOTHING };
  for (const { reason, bytes } of corrections) {
    sums[reason] = addAmounts(sums[reason], { objects: 1, bytes });
  }
  return sums;
}
