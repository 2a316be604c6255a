import type { LevelDifference } from '@odometer/database/objects/listing-sums';
import type { Amount } from './listing-tally.ts';

/**
 * What a bucket without a ledger would lose by a listing: what each owner has less of each type. What others have more is no
 * compensation: a listing of a wrong bucket has objects, too, and they are somebody else's. Nobody's are, for they become
 * somebody's when a project is registered; and all are when the keys have got another meaning since the last listing.
 *
 * @param changed what is to be added to the levels.
 */
export function lostOfLevels(changed: readonly LevelDifference[], isMappedAnew: boolean): Amount {
  const lost = (of: (difference: LevelDifference) => bigint): bigint => {
    let ofOwners = 0n;
    let gained = 0n;
    let others = 0n;
    for (const difference of changed) {
      const change = of(difference);
      if (isMappedAnew || difference.projectId === null) others += change;
      else if (change < 0n) ofOwners -= change;
      else gained += change;
    }
    const ofOthers = -(others + gained);
    return ofOwners + (ofOthers > 0n ? ofOthers : 0n);
  };
  return {
    objects: Number(lost(({ objects }) => BigInt(objects))),
    bytes: lost(({ bytes }) => bytes),
  };
}
