import {
  addLevels,
  addStorageChanges,
  lockAccounts,
  NOBODY,
} from '@odometer/database/objects/storage-books';
import type { Transaction } from '@odometer/database/pool';
import { hourStart, toTimestamp } from '@odometer/domain/period';

const HOUR_MS = 3_600_000;

/** Whose a difference is; null: nobody's. */
export interface DifferenceOwner {
  readonly projectId: string | null;
  readonly organizationId: string | null;
  readonly type: string;
}

/**
 * What a transaction changes of what is stored, added up and booked once: levels, accounts and byte-time. Whatever changes
 * live rows of the ledger, or their owners, books it here in the same transaction.
 */
export class StorageDifferences {
  readonly #nowMs: number;
  readonly #settledThroughMs: number;
  readonly #levels = new Map<
    string,
    { bucketId: number; projectId: string; type: string; bytes: bigint; objects: number }
  >();
  readonly #accounts = new Map<string, string>();
  readonly #hours = new Map<
    string,
    { projectId: string; hourMs: number; bytes: bigint; byteMs: bigint }
  >();

  /**
   * @param settledThroughMs of holdSettlement, in this transaction.
   * @param nowMs nothing happens after it: what a store's clock says to be later is now.
   */
  constructor(settledThroughMs: number, nowMs: number) {
    this.#settledThroughMs = settledThroughMs;
    this.#nowMs = nowMs;
  }

  /** What somebody has more, or less, in a bucket. Their byte-time is added with `addTime`. */
  addLevel(bucketId: number, owner: DifferenceOwner, bytes: bigint, objects: number): void {
    if (bytes === 0n && objects === 0) return;
    const projectId = owner.projectId ?? NOBODY;
    this.#open(owner);
    const key = `${bucketId} ${projectId} ${owner.type}`;
    const level = this.#levels.get(key);
    if (level === undefined) {
      this.#levels.set(key, { bucketId, projectId, type: owner.type, bytes, objects });
      return;
    }
    level.bytes += bytes;
    level.objects += objects;
  }

  /**
   * So many bytes more, or less, from an instant on. Nobody's byte-hours are not counted. An hour that is settled is not
   * changed any more: then the first that is not takes it, with all the time since.
   */
  addTime(owner: DifferenceOwner, bytes: bigint, atMs: number): void {
    const { projectId } = owner;
    if (projectId === null || bytes === 0n) return;
    this.#open(owner);
    const sinceMs = Math.min(Math.floor(atMs), this.#nowMs);
    const hourMs = Math.max(hourStart(sinceMs), this.#settledThroughMs);
    const byteMs = bytes * BigInt(hourMs + HOUR_MS - sinceMs);
    const key = `${projectId} ${hourMs}`;
    const hour = this.#hours.get(key);
    if (hour === undefined) {
      this.#hours.set(key, { projectId, hourMs, bytes, byteMs });
      return;
    }
    hour.bytes += bytes;
    hour.byteMs += byteMs;
  }

  /** Both at once. */
  add(
    bucketId: number,
    owner: DifferenceOwner,
    change: { readonly bytes: bigint; readonly objects: number; readonly atMs: number },
  ): void {
    this.addLevel(bucketId, owner, change.bytes, change.objects);
    this.addTime(owner, change.bytes, change.atMs);
  }

  /** Writes everything, in the lock order accounts → levels → changes. */
  async book(transaction: Transaction): Promise<void> {
    await lockAccounts(
      transaction,
      Array.from(this.#accounts, ([projectId, organizationId]) => ({ projectId, organizationId })),
    );
    await addLevels(
      transaction,
      [...this.#levels.values()].filter(({ bytes, objects }) => bytes !== 0n || objects !== 0),
    );
    await addStorageChanges(
      transaction,
      Array.from(this.#hours.values(), ({ projectId, hourMs, bytes, byteMs }) => ({
        projectId,
        hour: toTimestamp(hourMs),
        bytes,
        byteMs,
      })),
    );
  }

  #open({ projectId, organizationId }: DifferenceOwner): void {
    if (projectId !== null && organizationId !== null) {
      this.#accounts.set(projectId, organizationId);
    }
  }
}
