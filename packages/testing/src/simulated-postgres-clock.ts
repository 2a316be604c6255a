import type { Pool } from '@odometer/database/pool';
import pg from 'pg';

/**
 * Lets Postgres' `clock_timestamp()` say what a simulation's clock says, for everything that is asked over a pool: whoever
 * takes a connection takes the time with it. `now()`, which stamps rows, goes by the real one. Call it before the pool is used.
 */
export async function simulatePostgresClock(pool: Pool, nowMs: () => number): Promise<void> {
  await pool.query(
    `do $$ begin
       perform pg_advisory_xact_lock(hashtext('simulated clock'));
       create schema if not exists simulated;
       create or replace function simulated.clock_timestamp() returns timestamptz language sql volatile
         as 'select current_setting(''simulated.now'')::timestamptz';
     end $$`,
  );
  pool.on('acquire', (client) => {
    const tell = new pg.Query(
      // Behind what shadows it, the catalogue must be named, or it comes first.
      `select set_config('search_path', 'simulated, public, pg_catalog', false), set_config('simulated.now', $1, false)`,
      [new Date(nowMs()).toISOString()],
    );
    // A connection that is broken says so to whoever took it.
    tell.on('error', () => {});
    client.query(tell);
  });
}
