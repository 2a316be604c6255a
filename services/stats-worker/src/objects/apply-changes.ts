import { currentObjects } from '@odometer/database/objects/current-objects';
import type { ObjectRow } from '@odometer/database/objects/object-row';
import { holdSettlement } from '@odometer/database/objects/settlement';
import { type PreviousObject, upsertObjects } from '@odometer/database/objects/upsert-objects';
import type { Transaction } from '@odometer/database/pool';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import type { Outcome } from '../event-outcome.ts';
import type { RegistryCache, Resolution } from '../registry-cache.ts';
import type { DeclaredBucket } from './bucket-catalogue.ts';
import { type Chain, collapseChanges, type PlacedChange } from './collapse-changes.ts';
import { type ObjectPlace, ownerOf, placeObject } from './place-object.ts';
import { StorageDifferences } from './storage-differences.ts';

/**
 * Longer than two queues can hold a notification (28 days). What claims to be older came from a wrong clock, and counts from
 * now: nobody is to pay for a month in which nothing was there.
 */
const OLDEST_MS = 30 * 86_400_000;

export interface AppliedChanges {
  /** What became of each change, in the order given. */
  readonly outcomes: readonly Outcome[];
  /** Remembers names that are stored now; call it after the commit, never before. */
  readonly onCommit: () => void;
}

/**
 * Applies changes of objects in the transaction that claimed them, in the lock order registry → storage → stored objects →
 * accounts → levels → changes. What they change is `counted`, or `unattributed` when it is nobody's; what is repeated, older
 * than what is there or superseded within the transaction is a `duplicate`; what says something else of the same instant is
 * `conflicting`; what is in no declared bucket, `unmetered`.
 *
 * @param buckets of the catalogue, in this transaction.
 */
export async function applyChanges(
  transaction: Transaction,
  changes: readonly ObjectChange[],
  buckets: ReadonlyMap<number, DeclaredBucket>,
  registry: RegistryCache,
): Promise<AppliedChanges> {
  const outcomes: Outcome[] = new Array(changes.length).fill('duplicate');
  const placed: PlacedChange[] = [];
  for (const [index, change] of changes.entries()) {
    const bucket = buckets.get(change.bucketId);
    if (bucket !== undefined && bucket.declaration.ledger !== 'listing') {
      placed.push({ index, change, bucket });
    } else outcomes[index] = 'unmetered';
  }
  const { chains, conflicts } = collapseChanges(placed);
  for (const { index } of conflicts) outcomes[index] = 'conflicting';
  if (chains.length === 0) return { outcomes, onCommit: () => {} };

  const places = chains.map((chain) => placeObject(chain.bucket, lastOf(chain).change.key));
  const names = await registry.resolve(
    transaction,
    places.flatMap(({ owner }) => owner ?? []),
  );
  const settlement = await holdSettlement(transaction);
  const { nowMs } = settlement;
  const differences = new StorageDifferences(settlement);
  const rows = chains.map((chain, i) => objectRow(chain, places[i], names, nowMs));
  const { changed, unchanged } = await upsertObjects(transaction, rows);
  for (const [i, row] of rows.entries()) {
    const chain = chains[i];
    if (chain === undefined || unchanged.has(i)) continue;
    const previous = changed.get(i);
    bookChain(differences, chain, row, previous);
    if (previous !== undefined) {
      for (const { index, change } of chain.changes) {
        if (contradicts(change, previous)) outcomes[index] = 'conflicting';
      }
    }
    const { projectId } = previous ?? row;
    outcomes[lastOf(chain).index] = projectId === null ? 'unattributed' : 'counted';
  }
  await findConflicts(
    transaction,
    [...unchanged].flatMap((i) => chains[i] ?? []),
    outcomes,
  );
  await differences.book(transaction);
  return { outcomes, onCommit: () => names.publish() };
}

function lastOf({ changes }: Chain): PlacedChange {
  const last = changes.at(-1);
  if (last === undefined) throw new Error('a chain has no change');
  return last;
}

function objectRow(
  chain: Chain,
  place: ObjectPlace | undefined,
  names: Resolution,
  nowMs: number,
): ObjectRow {
  const { change } = lastOf(chain);
  if (place === undefined) throw new Error('a chain has no place');
  const created = lastCreation(chain);
  // Field by field: spread, the objects would be dictionaries, and a quarter of the worker's time.
  const owner = ownerOf(place, names);
  return {
    bucketId: chain.bucket.id,
    key: chain.key,
    version: change.version,
    organizationId: owner.organizationId,
    projectId: owner.projectId,
    unattributedTo: owner.unattributedTo,
    type: owner.type,
    objectId: owner.objectId,
    sizeBytes: created?.sizeBytes ?? 0,
    storageClass: created?.storageClass ?? null,
    live: change.action === 'created',
    sequencer: change.sequencer,
    atMs: change.atMs,
    // Kept: what happened really, and is told with the right time, must not be taken back from before it was counted.
    ownedSinceMs: chain.changes.some((one) => one.change.atMs < nowMs - OLDEST_MS) ? nowMs : null,
  };
}

function lastCreation({ changes }: Chain): ObjectChange | undefined {
  for (let i = changes.length - 1; i >= 0; i -= 1) {
    const change = changes[i]?.change;
    if (change?.action === 'created') return change;
  }
  return undefined;
}

/**
 * Books what a chain has changed. Levels only know what holds in the end; time also knows what held in between: after an
 * outage a group may hold hours of an object that was written again and again.
 */
function bookChain(
  differences: StorageDifferences,
  chain: Chain,
  row: ObjectRow,
  previous: PreviousObject | undefined,
): void {
  const owner = previous ?? row;
  const floorMs = Math.max(chain.bucket.declaredAtMs, owner.ownedSinceMs ?? 0);
  const last = lastOf(chain);
  const before = previous?.bytes ?? 0;
  let bytes = before;
  for (const one of chain.changes) {
    if (one !== last && !supersedes(one.change, previous)) continue;
    const then = bytesOf(one.change);
    differences.addTime(owner, BigInt(then - bytes), Math.max(one.change.atMs, floorMs));
    bytes = then;
  }
  const objects = Number(row.live) - Number(previous?.live ?? false);
  differences.addLevel(row.bucketId, owner, BigInt(bytes - before), objects);
}

function bytesOf({ action, sizeBytes }: ObjectChange): number {
  return action === 'created' ? sizeBytes : 0;
}

/** Whether a change that another one has superseded since had been newer than what was there. */
function supersedes(change: ObjectChange, previous: PreviousObject | undefined): boolean {
  if (previous === undefined) return true;
  if (change.version !== '') return false;
  const { sequencer, listedAtMs } = previous;
  return change.sequencer > sequencer && (listedAtMs === null || change.atMs > listedAtMs);
}

/** Whether a change says something else than what is there, of the same instant or of the same version. */
function contradicts(
  change: ObjectChange,
  there: { readonly live: boolean; readonly bytes: number; readonly sequencer: string },
): boolean {
  if (change.version !== '') {
    return change.action === 'created' && there.live && there.bytes !== change.sizeBytes;
  }
  if (change.sequencer !== there.sequencer) return false;
  return there.live !== (change.action === 'created') || bytesOf(change) !== there.bytes;
}

/** A second statement, and seldom needed: what changed nothing was there already, and says by what. */
async function findConflicts(
  transaction: Transaction,
  chains: readonly Chain[],
  outcomes: Outcome[],
): Promise<void> {
  if (chains.length === 0) return;
  const current = await currentObjects(
    transaction,
    chains.map((chain) => ({
      bucketId: chain.bucket.id,
      key: chain.key,
      version: lastOf(chain).change.version,
    })),
  );
  for (const [i, chain] of chains.entries()) {
    const there = current[i];
    if (there === undefined) continue;
    const { live, sizeBytes, sequencer } = there;
    for (const { index, change } of chain.changes) {
      if (contradicts(change, { live, bytes: live ? sizeBytes : 0, sequencer })) {
        outcomes[index] = 'conflicting';
      }
    }
  }
}
