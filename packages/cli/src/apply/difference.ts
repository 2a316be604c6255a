import { isDeepStrictEqual } from 'node:util';
import type { Fields } from './declaration.ts';

/** A field that differs; `from` is undefined for a thing that is new. */
export interface FieldChange {
  readonly field: string;
  readonly from?: unknown;
  readonly to: unknown;
}

/** The fields that differ, in the order of the desired ones, then those that go. */
export function difference(current: Fields | undefined, desired: Fields): readonly FieldChange[] {
  if (current === undefined) return Object.entries(desired).map(([field, to]) => ({ field, to }));
  const fields = [...new Set([...Object.keys(desired), ...Object.keys(current)])];
  return fields
    .filter((field) => !isDeepStrictEqual(plain(current[field]), plain(desired[field])))
    .map((field) => ({ field, from: current[field], to: desired[field] }));
}

/** As it would come back from the database: `undefined` is nothing there. */
function plain(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}
