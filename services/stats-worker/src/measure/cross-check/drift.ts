import { z } from 'zod';

/** How far off the other side is, and how far it may be. */
export interface Tolerance {
  readonly percent: number;
  readonly messages: number;
}

const whole = z.string().regex(/^-?\d+$/);

/** What every cross-check finds out, besides what is its own; whole numbers as text. */
export const driftFigures = z.object({
  source: z.enum(['cloudwatch', 'broker']),
  /** Messages by the other side, and by our counters; null when there is nothing to compare. */
  theirs: whole.nullable(),
  ours: whole.nullable(),
  /** Theirs without ours: more than 0 are messages that we did not count. */
  drift: whole.nullable(),
  tolerated: whole.nullable(),
  withinTolerance: z.boolean().nullable(),
  /** Why there is nothing to compare. */
  unknown: z.string().nullable(),
});
export type DriftFigures = z.infer<typeof driftFigures>;

/** Compares two counts of the same messages. */
export function compareCounts(
  source: DriftFigures['source'],
  theirs: bigint,
  ours: bigint,
  tolerance: Tolerance,
): DriftFigures {
  const drift = theirs - ours;
  // Hundredths of a percent are whole.
  const share = (theirs * BigInt(Math.round(tolerance.percent * 100))) / 10_000n;
  const fixed = BigInt(tolerance.messages);
  const tolerated = share > fixed ? share : fixed;
  return {
    source,
    theirs: String(theirs),
    ours: String(ours),
    drift: String(drift),
    tolerated: String(tolerated),
    withinTolerance: (drift < 0n ? -drift : drift) <= tolerated,
    unknown: null,
  };
}

/** There is nothing to compare: no drift, which is not a drift of 0. */
export function unknownDrift(source: DriftFigures['source'], reason: string): DriftFigures {
  return {
    source,
    theirs: null,
    ours: null,
    drift: null,
    tolerated: null,
    withinTolerance: null,
    unknown: reason,
  };
}
