import type { BatchOutcome } from '@odometer/domain/batch';

/** What became of one item; the names are the books'. */
export type Outcome = keyof BatchOutcome;

/** Sums the outcomes of a batch's items. */
export function sumOutcomes(outcomes: Iterable<Outcome>): BatchOutcome {
  const sums: Record<Outcome, number> = {
    counted: 0,
    duplicate: 0,
    conflicting: 0,
    invalid: 0,
    unmetered: 0,
    unattributed: 0,
    dead: 0,
  };
  for (const outcome of outcomes) sums[outcome] += 1;
  return sums;
}
