import { markMapped } from '@odometer/database/objects/buckets';
import {
  type LockedObject,
  lockObjects,
  nextObjects,
  type ObjectOwner,
} from '@odometer/database/objects/move-objects';
import { holdSettlement } from '@odometer/database/objects/settlement';
import { inTransaction } from '@odometer/database/pool';
import type { MapObjects } from '@odometer/queues/catalogue';
import { retryConflicts } from '../retry-conflicts.ts';
import { moveLockedObjects } from './move-locked-objects.ts';
import type { ObjectParts } from './object-applier.ts';
import { ownerOf, placeObject } from './place-object.ts';

/** Some hundred milliseconds. */
const OBJECTS_A_TRANSACTION = 2_000;

/**
 * Maps a bucket's objects again after what its keys mean was changed: whose each is, and what it is. From now on; what the
 * former owner's byte-hours came to stays. It walks through the ledger in the order of keys; what is stored meanwhile is
 * mapped by the new declaration already, because appliers look at the catalogue's version. Safe to repeat, and by several
 * at once: an object that is as it should be is left alone.
 *
 * @returns how far it came when its time is up, undefined when it is done.
 */
export async function mapObjects(
  parts: ObjectParts,
  job: MapObjects,
  signal: AbortSignal,
): Promise<MapObjects | undefined> {
  const { counts } = parts;
  for (let next: MapObjects | undefined = job; next !== undefined; ) {
    if (signal.aborted) return next;
    const current: MapObjects = next;
    next = await retryConflicts(
      () => mapSome(parts, current),
      () => {
        counts.conflictRetries += 1;
      },
    );
  }
  return undefined;
}

async function mapSome(parts: ObjectParts, job: MapObjects): Promise<MapObjects | undefined> {
  const { pool, buckets, registry } = parts;
  const { bucketId, after } = job;
  const { next, onCommit } = await inTransaction(pool, async (transaction) => {
    const bucket = (await buckets.forTransaction(transaction)).get(bucketId);
    // Changed again: the job that is asked for then begins at the first key.
    const isObsolete = bucket === undefined || bucket.mappingVersion !== job.mappingVersion;
    if (isObsolete) return NOTHING_LEFT;
    // A hash cannot be read: what has hashes is declared to mean something else only while it is empty.
    const hasKeys = bucket.declaration.ledger === 'full';
    const page = hasKeys
      ? await nextObjects(transaction, bucketId, after, OBJECTS_A_TRANSACTION)
      : [];
    const last = page.at(-1);
    if (last === undefined) {
      await markMapped(transaction, bucketId, bucket.mappingVersion);
      return NOTHING_LEFT;
    }
    const places = new Map(page.map(({ key }) => [key, placeObject(bucket, key)]));
    const names = await registry.resolve(
      transaction,
      [...places.values()].flatMap(({ owner }) => owner ?? []),
    );
    const settlement = await holdSettlement(transaction);
    const sinceMs = settlement.nowMs;
    const moves = (await lockObjects(transaction, bucketId, page)).flatMap((object) => {
      const place = places.get(object.key);
      const to = place && ownerOf(place, names);
      return to === undefined || isOwnedBy(object, to) ? [] : [{ object, to, sinceMs }];
    });
    await moveLockedObjects(transaction, moves, settlement);
    return { next: { ...job, after: last }, onCommit: () => names.publish() };
  });
  onCommit();
  return next;
}

const NOTHING_LEFT = { next: undefined, onCommit: () => {} };

function isOwnedBy(object: LockedObject, to: ObjectOwner): boolean {
  return (
    object.projectId === to.projectId &&
    object.unattributedTo === to.unattributedTo &&
    object.type === to.type &&
    object.objectId === to.objectId
  );
}
