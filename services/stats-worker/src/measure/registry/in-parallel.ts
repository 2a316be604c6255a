/**
 * Does something with each item, a few at a time, and gives the results in the order of the items. When one fails, the others
 * are told to stop, and nothing is under way any more when it throws.
 *
 * @throws the first failure.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  signal: AbortSignal,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<readonly Result[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const results: Result[] = new Array(items.length);
  let failure: { readonly error: unknown } | undefined;
  let next = 0;
  const workOn = async (): Promise<void> => {
    while (failure === undefined && next < items.length) {
      const index = next;
      next += 1;
      try {
        either.throwIfAborted();
        results[index] = await work(items[index] as Item, either);
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, workOn));
  if (failure !== undefined) throw failure.error;
  return results;
}
