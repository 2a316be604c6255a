/**
 * How far a store's clock may be ahead of ours. Clocks that are kept at all differ by seconds; what is later than this was
 * written by one that is wrong, and must not keep an object from being changed until that time comes.
 */
const MOST_AHEAD_MS = 300_000;

/** The last instant that a clock which is right may tell now. */
export function latestCredible(nowMs: number): number {
  return nowMs + MOST_AHEAD_MS;
}
