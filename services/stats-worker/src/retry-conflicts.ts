import { isConflict } from './postgres-failures.ts';

/** Conflicts pass as soon as the other transaction ends; five in a row mean something else, and the queue backs off. */
const MAX_TRIES = 5;

/** Runs a whole transaction again when it lost against another one. */
export async function retryConflicts<Result>(
  transaction: () => Promise<Result>,
  onRetry: () => void,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await transaction();
    } catch (error) {
      if (tries >= MAX_TRIES || !isConflict(error)) throw error;
      onRetry();
    }
  }
}
