import type { ObjectChange } from '@odometer/domain/objects/object-change';
import type { DeclaredBucket } from './bucket-catalogue.ts';
import { storedKey } from './place-object.ts';

/** A change of an object of a declared bucket, and its place among those that are applied together. */
export interface PlacedChange {
  readonly index: number;
  readonly change: ObjectChange;
  readonly bucket: DeclaredBucket;
}

/** What happened to one row of the ledger, in order. */
export interface Chain {
  /** As the ledger has it. */
  readonly key: string;
  readonly bucket: DeclaredBucket;
  /** Each supersedes the one before; the last holds. */
  readonly changes: readonly PlacedChange[];
}

export interface Collapsed {
  readonly chains: readonly Chain[];
  /** Those that contradict another one. What says the same as one is in no list. */
  readonly conflicts: readonly PlacedChange[];
}

/** Puts together what concerns the same row: a statement can write a row once. */
export function collapseChanges(placed: readonly PlacedChange[]): Collapsed {
  const chains = new Map<
    string,
    { key: string; bucket: DeclaredBucket; changes: PlacedChange[] }
  >();
  const longer = new Set<{ changes: PlacedChange[] }>();
  for (const one of placed) {
    const { bucket, change } = one;
    const key = storedKey(bucket, change.key);
    // No key and no version holds a NUL: Postgres takes none.
    const name =
      change.version === '' ? `${bucket.id}\0${key}` : `${bucket.id}\0${key}\0${change.version}`;
    const chain = chains.get(name);
    if (chain === undefined) {
      chains.set(name, { key, bucket, changes: [one] });
    } else {
      chain.changes.push(one);
      longer.add(chain);
    }
  }
  const conflicts: PlacedChange[] = [];
  for (const chain of longer) {
    const kept: PlacedChange[] = [];
    for (const one of [...chain.changes].sort(inOrder)) {
      const before = kept.at(-1);
      if (before === undefined || inOrder(before, one) !== 0) kept.push(one);
      else if (!isSame(before.change, one.change)) conflicts.push(one);
    }
    chain.changes = kept;
  }
  return { chains: [...chains.values()], conflicts };
}

/** By what supersedes what; of equals the first that came stays first. Of a version the removal is last, whenever it was. */
function inOrder({ change: a }: PlacedChange, { change: b }: PlacedChange): number {
  if (a.version !== '') return Number(a.action === 'removed') - Number(b.action === 'removed');
  if (a.sequencer === b.sequencer) return 0;
  return a.sequencer < b.sequencer ? -1 : 1;
}

function isSame(a: ObjectChange, b: ObjectChange): boolean {
  return a.action === b.action && (a.action === 'removed' || a.sizeBytes === b.sizeBytes);
}
