import type { ObjectName } from '@odometer/database/objects/current-objects';
import {
  type AttributableObjects,
  attributableObjects,
  lockUnattributedObjects,
} from '@odometer/database/objects/move-objects';
import { holdSettlement } from '@odometer/database/objects/settlement';
import {
  addStorageChanges,
  lockAccounts,
  takeUnattributedChanges,
} from '@odometer/database/objects/storage-books';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import { toTimestamp } from '@odometer/domain/period';
import { retryConflicts } from '../retry-conflicts.ts';
import { moveLockedObjects } from './move-locked-objects.ts';

const OBJECTS_A_TRANSACTION = 5_000;

/**
 * Gives objects that were kept for a name their project, once it is registered, and with them all byte-time that was kept for
 * the name: the project has, to the last byte-millisecond, what it would have had if it had been registered all along.
 *
 * @returns how many found their project.
 */
export async function attributeObjects(pool: Pool): Promise<number> {
  let attributed = 0;
  for (const name of await attributableObjects(pool)) {
    let after: ObjectName | undefined;
    for (let moved = OBJECTS_A_TRANSACTION; moved === OBJECTS_A_TRANSACTION; ) {
      const from = after;
      const objects = await retryConflicts(
        () => attributeSome(pool, name, from),
        () => {},
      );
      moved = objects.length;
      attributed += moved;
      after = objects.at(-1);
    }
  }
  return attributed;
}

function attributeSome(
  pool: Pool,
  owner: AttributableObjects,
  after: ObjectName | undefined,
): Promise<readonly ObjectName[]> {
  return inTransaction(pool, async (transaction) => {
    const { unattributedTo, organizationId, projectId } = owner;
    const settlement = await holdSettlement(transaction);
    const objects = await lockUnattributedObjects(
      transaction,
      unattributedTo,
      after,
      OBJECTS_A_TRANSACTION,
    );
    await moveLockedObjects(
      transaction,
      objects.map((object) => ({
        object,
        to: { ...object, organizationId, projectId, unattributedTo: null },
        sinceMs: null,
      })),
      settlement,
    );
    await moveTime(transaction, owner, settlement.settledThroughMs);
    return objects;
  });
}

/**
 * Gives a project the byte-time of its name. What was booked in an hour that is settled by now goes into the first one that is
 * not, with the time its bytes have been there in between: what every hour would have added to the one before it.
 */
async function moveTime(
  transaction: Transaction,
  { unattributedTo, organizationId, projectId }: AttributableObjects,
  settledThroughMs: number,
): Promise<void> {
  await lockAccounts(transaction, [{ projectId, organizationId }]);
  const hours = new Map<number, { bytes: bigint; byteMs: bigint }>();
  for (const taken of await takeUnattributedChanges(transaction, unattributedTo)) {
    const hourMs = Math.max(taken.hourMs, settledThroughMs);
    const hour = hours.get(hourMs) ?? { bytes: 0n, byteMs: 0n };
    hour.bytes += taken.bytes;
    hour.byteMs += taken.byteMs + taken.bytes * BigInt(hourMs - taken.hourMs);
    hours.set(hourMs, hour);
  }
  await addStorageChanges(
    transaction,
    Array.from(hours, ([hourMs, hour]) => ({ projectId, hour: toTimestamp(hourMs), ...hour })),
  );
}
