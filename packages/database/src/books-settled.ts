import type { BatchOutcome } from '@odometer/domain/batch';
import type { EpochRow, HoleRow, SumsRow } from './books-queries.ts';

export type OutcomeSums = Readonly<Record<keyof BatchOutcome, bigint>>;

/** The batches 1 to `seq` of an epoch are applied, and add up to `sums`. */
export interface SettledPrefix {
  readonly seq: number;
  readonly sums: OutcomeSums;
}

/**
 * What one reading of the books may leave to the next, by epoch: an applied batch never changes, so what was added up
 * once need not be read again. Without it every reading reads all batches there ever were.
 */
export type SettledPrefixes = Map<string, SettledPrefix>;

/** What is known to be settled before a reading: what an earlier one left, or what is compacted, if that is more. */
export function settledBefore(left: SettledPrefix | undefined, row: EpochRow): SettledPrefix {
  if (left !== undefined && left.seq >= Number(row.applied_through)) return left;
  return {
    seq: Number(row.applied_through),
    sums: {
      counted: BigInt(row.through_counted),
      duplicate: BigInt(row.through_duplicate),
      conflicting: BigInt(row.through_conflicting),
      invalid: BigInt(row.through_invalid),
      unmetered: BigInt(row.through_unmetered),
      unattributed: BigInt(row.through_unattributed),
      dead: BigInt(row.through_dead),
    },
  };
}

/** Adds a row's sums, which are decimal text. */
export function addSums(
  sums: OutcomeSums,
  row: Readonly<Record<keyof BatchOutcome, string>>,
): OutcomeSums {
  return {
    counted: sums.counted + BigInt(row.counted),
    duplicate: sums.duplicate + BigInt(row.duplicate),
    conflicting: sums.conflicting + BigInt(row.conflicting),
    invalid: sums.invalid + BigInt(row.invalid),
    unmetered: sums.unmetered + BigInt(row.unmetered),
    unattributed: sums.unattributed + BigInt(row.unattributed),
    dead: sums.dead + BigInt(row.dead),
  };
}

/** Up to which seq all batches of an epoch are applied. */
export function settledUpTo(row: EpochRow, innerHoles: readonly HoleRow[]): number {
  const [first] = innerHoles;
  return first === undefined ? Number(row.applied_seq) : Number(first.from_seq) - 1;
}

/**
 * The prefix for the next reading.
 *
 * @param upToHole sums from the old prefix to the first hole; undefined when there is no hole, or nothing before it.
 */
export function settle(
  before: SettledPrefix,
  row: EpochRow,
  innerHoles: readonly HoleRow[],
  upToHole: SumsRow | undefined,
): SettledPrefix {
  const added = innerHoles.length === 0 ? row : upToHole;
  return {
    seq: settledUpTo(row, innerHoles),
    sums: added === undefined ? before.sums : addSums(before.sums, added),
  };
}
