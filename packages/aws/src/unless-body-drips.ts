import { Readable } from 'node:stream';
import type { Pluggable } from '@smithy/types';

/**
 * Ends an answer whose body is not complete `bodyMs` after its head: the SDK's timeouts end with the head, and a body that
 * comes a byte at a time would hold its caller, and a socket, for ever. The SDK takes it for a timeout and tries again.
 */
export function unlessBodyDrips<Input extends object, Output extends object>(
  bodyMs: number,
): Pluggable<Input, Output> {
  return {
    applyToStack(stack) {
      stack.add(
        (next) => async (args) => {
          const result = await next(args);
          const body = bodyOf(result.response);
          if (body !== undefined) limit(body, bodyMs);
          return result;
        },
        // Next to the wire, before the deserializer reads the body.
        { step: 'deserialize', priority: 'low', name: 'odometerBodyDeadline' },
      );
    },
  };
}

function limit(body: Readable, bodyMs: number): void {
  const timer = setTimeout(() => {
    const error = new Error(`the answer was not complete within ${bodyMs} ms`);
    body.destroy(Object.assign(error, { name: 'TimeoutError', code: 'ETIMEDOUT' }));
  }, bodyMs);
  body.once('close', () => clearTimeout(timer));
}

function bodyOf(response: unknown): Readable | undefined {
  if (typeof response !== 'object' || response === null) return undefined;
  const body: unknown = Reflect.get(response, 'body');
  return body instanceof Readable ? body : undefined;
}
