import type { Caller } from './route.ts';

/** Who did it, for the audit log. */
export function actorOf({ keyId }: Caller): string {
  return `key:${keyId}`;
}
