import { z } from 'zod';

/** A path into a record: names separated by dots, `user.id`. */
export const fieldPathSchema = z
  .string()
  .max(256)
  .regex(/^[A-Za-z0-9_$@-]+(\.[A-Za-z0-9_$@-]+)*$/, 'should be names separated by dots');

export type Members = Readonly<Record<string, unknown>>;

/** What is at a path; undefined where nothing, or null, is. Never reads an inherited property. */
export function fieldAt(content: unknown, path: string): unknown {
  let value = content;
  for (const name of path.split('.')) {
    if (!isMembers(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value ?? undefined;
}

/** A text, or a number or boolean as text. An integer beyond 2^53 is none: it was rounded, and two ids could be one. */
export function textAt(content: unknown, path: string): string | undefined {
  const value = fieldAt(content, path);
  if (typeof value === 'string' && value !== '') return value;
  return Number.isSafeInteger(value) || typeof value === 'boolean' ? String(value) : undefined;
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
