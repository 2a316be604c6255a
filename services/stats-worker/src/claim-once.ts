import { claimEventKeys, type EventClaim } from '@odometer/database/event-keys';
import type { Transaction } from '@odometer/database/pool';
import { toTimestamp } from '@odometer/domain/period';

/** Whether an item is the one that holds its key, comes again, or means something else under a key that is taken. */
export type Claimed = 'ours' | 'duplicate' | 'conflicting';

/**
 * Claims the keys of a group's items. The first item with a key wins, in array order, within the group as against those that were
 * applied before.
 *
 * @returns what each of the items given is.
 */
export async function claimOnce<Item extends EventClaim>(
  transaction: Transaction,
  items: readonly Item[],
): Promise<(item: Item) => Claimed> {
  const first = new Map<string, Item>();
  for (const item of items) {
    if (!first.has(item.key)) first.set(item.key, item);
  }
  const today = toTimestamp(Date.now()).slice(0, 10);
  const taken = await claimEventKeys(transaction, [...first.values()], today);
  // Nearly always, and then nothing need be looked up.
  if (first.size === items.length && taken.size === 0) return () => 'ours';
  return (item) => {
    const holder = taken.get(item.key);
    if (holder === undefined && first.get(item.key) === item) return 'ours';
    const fingerprint = holder ?? first.get(item.key)?.fingerprint;
    return fingerprint === item.fingerprint ? 'duplicate' : 'conflicting';
  };
}
