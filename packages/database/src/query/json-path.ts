import type { ValuePath } from '@odometer/domain/value-path';

/**
 * A value path in Postgres' language. Strict, so that a name finds nothing in an array and an index nothing in an object,
 * as where events are counted; lax, Postgres would unwrap and wrap arrays.
 */
export function jsonPath(path: ValuePath): string {
  // A string of JSON is a string of jsonpath.
  const steps = path.map((step) =>
    typeof step === 'number' ? `[${step}]` : `.${JSON.stringify(step)}`,
  );
  return `strict $${steps.join('')}`;
}
