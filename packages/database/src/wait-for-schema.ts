import { setTimeout as sleep } from 'node:timers/promises';
import { checkSchema } from './migrate.ts';
import type { Queryable } from './pool.ts';

/** Migrations take seconds; once a second finds them done soon enough. */
const INTERVAL_MS = 1_000;

/**
 * Waits until Postgres answers and has this version's schema: a service may start before its database, or while the
 * migration runs. Readiness stays red meanwhile and says what it waits for. Returns early when the signal is aborted.
 */
export async function waitForSchema(
  db: Queryable,
  signal: AbortSignal,
  log: { warn(fields: object): void },
): Promise<void> {
  let lastReason = '';
  while (!signal.aborted) {
    try {
      return await checkSchema(db);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== lastReason) log.warn({ event: 'waiting_for_schema', error });
      lastReason = reason;
    }
    await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
}
