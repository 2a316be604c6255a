import type { Pool } from '@odometer/database/pool';

/**
 * What is remembered of a database holds for its connections. After an outage it may be another one, restored from an
 * earlier day, in which a remembered id belongs to somebody else: usage would be booked to them. No database is replaced
 * without ending its connections, so every new one starts with empty caches; filling them again takes a few look-ups.
 */
export function forgetOnConnect(pool: Pool, caches: readonly { forget(): void }[]): void {
  pool.on('connect', () => {
    for (const cache of caches) cache.forget();
  });
}
