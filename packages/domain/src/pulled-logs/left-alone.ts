/** One that names a time far away, or another unit, is asked all the same some day. */
export const LONGEST_PAUSE_MS = 3_600_000;

/** Clocks of machines are so far apart, or put right by so much, without anything being wrong. */
const CLOCK_STEP_MS = 60_000;

/**
 * Whether a log wants to be left alone now. A clock that was ahead may have written a time that is later than any: that one says
 * nothing.
 */
export function isLeftAlone(retryAt: Date | null, nowMs: number): boolean {
  const leftMs = (retryAt?.getTime() ?? nowMs) - nowMs;
  return leftMs > 0 && leftMs <= LONGEST_PAUSE_MS + CLOCK_STEP_MS;
}
