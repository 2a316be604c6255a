import type { Pluggable } from '@smithy/types';
import { isThrottling } from './aws-error.ts';

/**
 * Calls `throttled` for each attempt that was answered with throttling. Inside the retries: a call that succeeds at its
 * third attempt was throttled twice, which nothing outside would ever see.
 */
export function onThrottledAttempt<Input extends object, Output extends object>(
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
            throw error;
          }
        },
        // Around the deserializer, which makes errors of answers.
        { step: 'deserialize', priority: 'high', name: 'odometerThrottleCount' },
      );
    },
  };
}
