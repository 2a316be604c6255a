import { setTimeout as sleep } from 'node:timers/promises';
import { isOdometerError, type OdometerError } from '@odometer/domain/errors';
import { isRefusal } from './postgres.ts';

/** Somebody else starts the database, or migrates it: seconds, and a pod that waits costs nothing. */
const INTERVAL_MS = 1_000;

/**
 * Does `work`, and again while Postgres is away or its schema is another version's: what is installed together does not
 * start in order.
 *
 * @param tell is told why, each time that it is for another reason.
 * @throws what the last attempt threw, once `waitMs` have passed; at once what waiting does not mend, such as a wrong password.
 */
export async function onceReady<Result>(
  work: () => Promise<Result>,
  waitMs: number,
  tell: (reason: string) => void,
): Promise<Result> {
  const lastMs = performance.now() + waitMs;
  let told = '';
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || performance.now() >= lastMs) throw error;
      if (error.message !== told) tell(error.message);
      told = error.message;
    }
    await sleep(Math.min(INTERVAL_MS, Math.max(0, lastMs - performance.now())));
  }
}

function mayPass(error: unknown): error is OdometerError {
  return (
    (isOdometerError(error, 'postgres_unavailable') && !isRefusal(error)) ||
    isOdometerError(error, 'schema_mismatch')
  );
}
