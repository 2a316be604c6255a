/** From `firstMs`, doubling, to `capMs`. */
export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
}

/**
 * How long to wait before try number `attempt + 1`: doubling up to the cap, of which a random half is kept, so that those
 * who failed together do not come back together.
 * @param attempt 1 after the first failure.
 */
export function backoffMs(
  { firstMs, capMs }: Backoff,
  attempt: number,
  random: () => number = Math.random,
): number {
  // 2 ** 30 is beyond every cap; without the bound it would reach Infinity.
  const ceiling = Math.min(capMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling * (0.5 + random() / 2));
}
