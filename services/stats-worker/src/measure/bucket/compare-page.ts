import type { LedgerRow, ListingTimes } from '@odometer/database/objects/ledger-rows';
import type { ListedObject } from './object-lister.ts';

/** A listed object with its key as the ledger has it. */
export interface KeyedObject {
  readonly storedKey: string;
  readonly object: ListedObject;
}

export interface PageDifferences {
  /** In the listing, and not so in the ledger; both have not changed for long enough. */
  readonly differing: readonly (KeyedObject & { readonly row: LedgerRow | undefined })[];
  /** How many are live in the ledger, and in the listing, of whatever size. */
  readonly confirmed: number;
  /** Live in the ledger, not in the listing, and not changed for long enough. */
  readonly vanished: readonly LedgerRow[];
  /** Differ, and were changed so recently that a notification may still be under way. */
  readonly recent: number;
  /** Versions that the listing has and whose removal was told; such a version never comes back. */
  readonly removedBefore: number;
}

/**
 * Compares what a listing has of some keys with what the ledger has of them.
 *
 * @param rows all rows of these keys; more when the listing should have had them.
 * @param times what was changed after `settledBeforeMs` is left to the next listing, unless that is yet to come.
 */
export function comparePage(
  objects: readonly KeyedObject[],
  rows: readonly LedgerRow[],
  { settledBeforeMs, credibleMs }: ListingTimes,
): PageDifferences {
  const unlisted = new Map(rows.map((row) => [nameOf(row.key, row.version), row]));
  const differing: (KeyedObject & { row: LedgerRow | undefined })[] = [];
  let confirmed = 0;
  let recent = 0;
  let removedBefore = 0;
  for (const keyed of objects) {
    const { version, sizeBytes, lastModifiedMs } = keyed.object;
    const name = nameOf(keyed.storedKey, version);
    const row = unlisted.get(name);
    unlisted.delete(name);
    if (row?.live) confirmed += 1;
    if (row?.live && row.sizeBytes === sizeBytes) continue;
    const isRemoved = row !== undefined && !row.live && !row.isUntold;
    if (isRemoved && version !== '') removedBefore += 1;
    else if (isRecent(lastModifiedMs) || row?.isSettled === false) recent += 1;
    else differing.push({ ...keyed, row });
  }
  const vanished: LedgerRow[] = [];
  for (const row of unlisted.values()) {
    if (!row.live) continue;
    if (row.isSettled) vanished.push(row);
    else recent += 1;
  }
  return { differing, confirmed, vanished, recent, removedBefore };

  function isRecent(atMs: number): boolean {
    return atMs >= settledBeforeMs && atMs <= credibleMs;
  }
}

/** No key has a NUL, for Postgres holds none. */
function nameOf(key: string, version: string): string {
  return version === '' ? key : `${key}\0${version}`;
}
