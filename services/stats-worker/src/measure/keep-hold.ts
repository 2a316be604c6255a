import { extendHold, type Hold } from '@odometer/database/measuring/measurements';
import type { Queryable } from '@odometer/database/pool';
import { isOdometerError } from '@odometer/domain/errors';

/** A hold ends after a minute without a word: five may be lost. */
const INTERVAL_MS = 10_000;

/**
 * Keeps a measurement held while `work` is at it, however long one step of it takes. When somebody else has it all the same,
 * the signal that `work` was given says so.
 */
export async function keepHold<Result>(
  db: Queryable,
  hold: Hold,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const lost = new AbortController();
  const timer = setInterval(() => {
    extendHold(db, hold).catch((error: unknown) => {
      // Without Postgres the work itself fails soon, or gets it back.
      if (isOdometerError(error, 'measurement_taken_over')) lost.abort(error);
    });
  }, INTERVAL_MS);
  try {
    return await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    clearInterval(timer);
  }
}
