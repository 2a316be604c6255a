import type { Settlement } from '@odometer/database/objects/settlement';
import {
  addLevels,
  addStorageChanges,
  addUnattributedChanges,
  lockAccounts,
  NOBODY,
  type StorageChange,
  type UnattributedChange,
} from '@odometer/database/objects/storage-books';
import type { Transaction } from '@odometer/database/pool';
import { hourStart, toTimestamp } from '@odometer/domain/period';

const HOUR_MS = 3_600_000;

/** Whose a difference is; null: nobody's, or a name's that nobody has registered. */
export interface DifferenceOwner {
  readonly projectId: string | null;
  /** `organization/project` */
  readonly unattributedTo: string | null;
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
    { owner: DifferenceOwner; hourMs: number; bytes: bigint; byteMs: bigint }
  >();

  /** @param settlement of holdSettlement, in this transaction. What a store's clock says to be later than its now is now. */
  constructor({ settledThroughMs, nowMs }: Settlement) {
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
   * So many bytes more, or less, from an instant on. What is a name's is kept for it; nobody's is not counted. An hour that is settled is not
   * changed any more: then the first that is not takes it, with all the time since.
   */
  addTime(owner: DifferenceOwner, bytes: bigint, atMs: number): void {
    const name = owner.projectId ?? owner.unattributedTo;
    if (name === null || bytes === 0n) return;
    this.#open(owner);
    const sinceMs = Math.min(Math.floor(atMs), this.#nowMs);
    const hourMs = Math.max(hourStart(sinceMs), this.#settledThroughMs);
    const byteMs = bytes * BigInt(hourMs + HOUR_MS - sinceMs);
    const key = `${name} ${hourMs}`;
    const hour = this.#hours.get(key);
    if (hour === undefined) {
      this.#hours.set(key, { owner, hourMs, bytes, byteMs });
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

  /** Writes everything, in the lock order accounts → levels → changes of names → changes. */
  async book(transaction: Transaction): Promise<void> {
    await lockAccounts(
      transaction,
      Array.from(this.#accounts, ([projectId, organizationId]) => ({ projectId, organizationId })),
    );
    await addLevels(
      transaction,
      [...this.#levels.values()].filter(({ bytes, objects }) => bytes !== 0n || objects !== 0),
    );
    const unattributed: UnattributedChange[] = [];
    const changes: StorageChange[] = [];
    for (const { owner, hourMs, bytes, byteMs } of this.#hours.values()) {
      const { projectId, unattributedTo: name } = owner;
      const hour = toTimestamp(hourMs);
      if (projectId !== null) changes.push({ projectId, hour, bytes, byteMs });
      else if (name !== null) unattributed.push({ name, hour, bytes, byteMs });
    }
    await addUnattributedChanges(transaction, unattributed);
    await addStorageChanges(transaction, changes);
  }

  #open({ projectId, organizationId }: DifferenceOwner): void {
    if (projectId !== null && organizationId !== null) {
      this.#accounts.set(projectId, organizationId);
    }
  }
}
