import { isNativeError } from 'node:util/types';
import type { Pluggable } from '@smithy/types';
import { isThrottling } from './aws-error.ts';

/**
 * Calls `throttled` for each attempt that was answered with throttling. Inside the retries: a call that succeeds at its
 * third attempt was throttled twice, which nothing outside would ever see.
 */
export function watchedAttempts<Input extends object, Output extends object>(
  throttled: () => void,
): Pluggable<Input, Output> {
  return {
    applyToStack(stack) {
      stack.add(
        (next) => async (args) => {
          try {
            return await next(args);
          } catch (error) {
            if (isThrottling(error)) throttled();
            throw ofThisRealm(error);
          }
        },
        // Around the deserializer, which makes errors of answers.
        { step: 'deserialize', priority: 'high', name: 'odometerWatchedAttempts' },
      );
    },
  };
}

/**
 * Node's own errors are none of ours inside a `vm` context, where tests run. The SDK puts such an error into a new one without
 * its name and code, by which alone a timeout is told from a mistake.
 */
function ofThisRealm(error: unknown): unknown {
  if (error instanceof Error || !isNativeError(error)) return error;
  return Object.assign(new Error(error.message), error, { name: error.name });
}
