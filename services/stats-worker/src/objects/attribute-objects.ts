import { bucketDeclarationTimes } from '@odometer/database/objects/buckets';
import type { ObjectName } from '@odometer/database/objects/current-objects';
import {
  type AttributableObjects,
  attributableObjects,
  lockUnattributedObjects,
} from '@odometer/database/objects/move-objects';
import { holdSettlement } from '@odometer/database/objects/settlement';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { retryConflicts } from '../retry-conflicts.ts';
import { moveLockedObjects } from './move-locked-objects.ts';

const OBJECTS_A_TRANSACTION = 5_000;

/**
 * Gives objects that were kept for a name their project, once it is registered. Their bytes are the project's from when they
 * were stored, or from when their bucket was declared, if that was later; up to then nobody's byte-hours were counted.
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
  { unattributedTo, organizationId, projectId }: AttributableObjects,
  after: ObjectName | undefined,
): Promise<readonly ObjectName[]> {
  return inTransaction(pool, async (transaction) => {
    const settledThroughMs = await holdSettlement(transaction);
    const objects = await lockUnattributedObjects(
      transaction,
      unattributedTo,
      after,
      OBJECTS_A_TRANSACTION,
    );
    const declaredAt = await bucketDeclarationTimes(transaction);
    await moveLockedObjects(
      transaction,
      objects.map((object) => ({
        object,
        to: { ...object, organizationId, projectId, unattributedTo: null },
        sinceMs: Math.max(object.changedAtMs, declaredAt.get(object.bucketId) ?? 0),
      })),
      settledThroughMs,
    );
    return objects;
  });
}
