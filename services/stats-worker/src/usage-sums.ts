import type { UnattributedUsage } from '@odometer/database/unattributed-usage';
import type { UsageRow } from '@odometer/database/usage';
import { formatQuantity, type Scaled } from '@odometer/domain/decimal';
import { toTimestamp } from '@odometer/domain/period';

interface Sum {
  readonly meterId: number;
  readonly hourMs: number;
  sum: Scaled;
  count: number;
  min: Scaled;
  max: Scaled;
  last: Scaled;
  lastAtMs: number;
}

/** Sums usage by owner, meter and hour, so that a transaction writes each of these rows once. */
export class UsageSums<Owner> {
  /** By the owner's key; of each owner by `sumKey`. */
  readonly #owners = new Map<string, { readonly owner: Owner; readonly sums: Map<number, Sum> }>();

  /**
   * @param ownerKey names the owner within these sums.
   * @param count how many items the quantity stands for.
   */
  add(
    owner: Owner,
    ownerKey: string,
    meterId: number,
    atMs: number,
    hourMs: number,
    quantity: Scaled,
    count = 1,
  ): void {
    let entry = this.#owners.get(ownerKey);
    if (entry === undefined) {
      entry = { owner, sums: new Map() };
      this.#owners.set(ownerKey, entry);
    }
    const key = sumKey(meterId, hourMs);
    const sum = entry.sums.get(key);
    if (sum === undefined) {
      entry.sums.set(key, {
        meterId,
        hourMs,
        sum: quantity,
        count,
        min: quantity,
        max: quantity,
        last: quantity,
        lastAtMs: atMs,
      });
      return;
    }
    sum.sum += quantity;
    sum.count += count;
    if (quantity < sum.min) sum.min = quantity;
    if (quantity > sum.max) sum.max = quantity;
    if (atMs > sum.lastAtMs || (atMs === sum.lastAtMs && quantity > sum.last)) {
      sum.last = quantity;
      sum.lastAtMs = atMs;
    }
  }

  /** The rows to write, each with its owner's columns. */
  rows(): readonly (Owner & Omit<UsageRow, 'projectId' | 'organizationId'>)[] {
    return [...this.#owners.values()].flatMap(({ owner, sums }) =>
      Array.from(sums.values(), (sum) => ({
        ...owner,
        meterId: sum.meterId,
        hour: toTimestamp(sum.hourMs),
        sum: formatQuantity(sum.sum),
        count: sum.count,
        min: formatQuantity(sum.min),
        max: formatQuantity(sum.max),
        last: formatQuantity(sum.last),
        lastAt: toTimestamp(sum.lastAtMs),
      })),
    );
  }
}

const METERS = 65_536;

/** A number instead of a text of both, since it is looked up for every event. Ids of meters are smallint. */
function sumKey(meterId: number, hourMs: number): number {
  return (hourMs / 3_600_000) * METERS + meterId;
}

/** The columns that name a registered owner. */
export type RegisteredOwner = Pick<UsageRow, 'projectId' | 'organizationId'>;
/** The columns that name an owner who is not registered. */
export type UnregisteredOwner = Pick<UnattributedUsage, 'organization' | 'project' | 'device'>;
