import type { Transaction } from '@odometer/database/pool';
import { isDataError } from './postgres-failures.ts';

/** What `isolatePoison` made of each item: what `apply` returned for the item's part, or why it is poison. */
export interface Isolated<Item, Result> {
  readonly applied: readonly { readonly items: readonly Item[]; readonly result: Result }[];
  readonly poison: readonly { readonly item: Item; readonly error: Error }[];
}

/**
 * Applies items inside a transaction although some of them make the database refuse the data: halves them, each half
 * under a savepoint, until the culprits stand alone. One poisonous event costs about 2·log2(n) tries and takes none of
 * its neighbours along. Errors that are nobody's data end the whole transaction.
 */
export async function isolatePoison<Item, Result>(
  transaction: Transaction,
  items: readonly Item[],
  apply: (items: readonly Item[]) => Promise<Result>,
): Promise<Isolated<Item, Result>> {
  if (items.length === 0) return { applied: [], poison: [] };
  await transaction.query('savepoint part');
  try {
    const result = await apply(items);
    await transaction.query('release savepoint part');
    return { applied: [{ items, result }], poison: [] };
  } catch (error) {
    if (!isDataError(error) || !(error instanceof Error)) throw error;
    await transaction.query('rollback to savepoint part');
    await transaction.query('release savepoint part');
    const [only] = items;
    if (items.length === 1 && only !== undefined) {
      return { applied: [], poison: [{ item: only, error }] };
    }
    const middle = items.length >> 1;
    const first = await isolatePoison(transaction, items.slice(0, middle), apply);
    const second = await isolatePoison(transaction, items.slice(middle), apply);
    return {
      applied: [...first.applied, ...second.applied],
      poison: [...first.poison, ...second.poison],
    };
  }
}
