import {
  type LockedObject,
  type ObjectOwner,
  setOwners,
} from '@odometer/database/objects/move-objects';
import type { Settlement } from '@odometer/database/objects/settlement';
import type { Transaction } from '@odometer/database/pool';
import { StorageDifferences } from './storage-differences.ts';

/** An object that gets another owner, or type. */
export interface Move {
  readonly object: LockedObject;
  readonly to: ObjectOwner;
  /** From when on its bytes are the new owner's, milliseconds; null: all along, and whoever moves it moves its time too. */
  readonly sinceMs: number | null;
}

/** Gives locked objects other owners, and moves what they are of the levels and of byte-time. */
export async function moveLockedObjects(
  transaction: Transaction,
  moves: readonly Move[],
  settlement: Settlement,
): Promise<void> {
  if (moves.length === 0) return;
  await setOwners(
    transaction,
    moves.map(({ object, to, sinceMs }) => {
      const { bucketId, key, version } = object;
      // What is told late of the time before was counted for the former owner, and is not for this one.
      const ownedSinceMs = isSameOwner(object, to) ? null : sinceMs;
      return { ...to, bucketId, key, version, ownedSinceMs };
    }),
  );
  const differences = new StorageDifferences(settlement);
  for (const { object, to, sinceMs } of moves) {
    if (!object.live) continue;
    const { bucketId, sizeBytes } = object;
    differences.addLevel(bucketId, object, -sizeBytes, -1);
    differences.addLevel(bucketId, to, sizeBytes, 1);
    // From one type to another of one owner nothing moves in time.
    if (sinceMs === null || isSameOwner(object, to)) continue;
    differences.addTime(object, -sizeBytes, sinceMs);
    differences.addTime(to, sizeBytes, sinceMs);
  }
  await differences.book(transaction);
}

function isSameOwner(a: ObjectOwner, b: ObjectOwner): boolean {
  return a.projectId === b.projectId && a.unattributedTo === b.unattributedTo;
}
