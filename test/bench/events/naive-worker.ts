import { Worker } from 'bullmq';
import pg from 'pg';
import { program } from '../program.ts';
import type { NaiveOptions } from './naive-ingest.ts';

/** Of 10, 30, 50, 100 and 200 the fastest here; fewer starve Postgres, more only wait for each other's rows. */
const CONCURRENCY = 50;
const CONNECTIONS = 10;

interface NaiveEvent {
  readonly subject: string;
  readonly time: string;
  readonly data: { readonly value: number };
}

/** The naive shape, its worker: one upsert per event, each a transaction of its own, told apart by nothing but the job's id. */
await program<NaiveOptions, never, never>(async ({ redisUrl, databaseUrl }) => {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS });
  await pool.query(`create table naive_usage (
    subject text not null, type text not null, hour timestamptz not null, sum numeric not null, count bigint not null,
    primary key (subject, type, hour)) with (fillfactor = 70)`);
  const worker = new Worker<NaiveEvent>(
    'naive',
    async ({ data: event }) => {
      await pool.query({
        name: 'count',
        text: `insert into naive_usage values ($1, 'api_calls', date_trunc('hour', $2::timestamptz), $3, 1)
          on conflict (subject, type, hour) do update
          set sum = naive_usage.sum + excluded.sum, count = naive_usage.count + 1`,
        values: [event.subject, event.time, event.data.value],
      });
    },
    { connection: { url: redisUrl }, concurrency: CONCURRENCY },
  );
  await worker.waitUntilReady();
  return () => Promise.reject(new Error('takes no commands'));
});
