import { startTestPostgres } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { Redis } from 'ioredis';
import pg from 'pg';

/** What every run needs below it: durable Postgres and Redis of our own, with default settings. */
export interface Servers {
  readonly redisUrl: string;
  readonly pids: { readonly redis: number; readonly postgres: number };
  /** Runs `use` on a fresh database with the whole schema, beside an empty Redis; the database is dropped afterwards. */
  withFresh<Result>(use: (databaseUrl: string, db: pg.Client) => Promise<Result>): Promise<Result>;
  versions(): Promise<{ readonly postgres: string; readonly redis: string }>;
  stop(): Promise<void>;
}

export async function startServers(): Promise<Servers> {
  const postgres = await startTestPostgres();
  const redisServer = await startTestRedis();
  const redis = new Redis(redisServer.url);
  let runs = 0;

  /** Without the rewrite the file grows through all runs, and Redis rewrites it in the middle of one. */
  async function emptyRedis(): Promise<void> {
    await redis.flushall();
    await redis.bgrewriteaof();
    for (;;) {
      const info = await redis.info('persistence');
      if (/aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function onAdmin<Result>(use: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const url = new URL(postgres.url);
    url.pathname = '/postgres';
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  }

  return {
    redisUrl: redisServer.url,
    pids: { redis: redisServer.pid, postgres: postgres.pid },
    async withFresh(use) {
      await emptyRedis();
      runs += 1;
      const name = `run_${runs}`;
      // A checkpoint, so that no run pays for the one before.
      await onAdmin(async (client) => {
        await client.query(`create database ${name} template odometer`);
        await client.query('checkpoint');
      });
      const url = new URL(postgres.url);
      url.pathname = `/${name}`;
      const db = new pg.Client({ connectionString: url.href });
      await db.connect();
      try {
        return await use(url.href, db);
      } finally {
        await db.end();
        await onAdmin((client) => client.query(`drop database ${name} with (force)`));
      }
    },
    async versions() {
      const { rows } = await onAdmin((client) =>
        client.query<{ server_version: string }>('show server_version'),
      );
      const info = await redis.info('server');
      return {
        postgres: rows[0]?.server_version ?? '?',
        redis: /redis_version:(\S+)/.exec(info)?.[1] ?? '?',
      };
    },
    async stop() {
      redis.disconnect();
      await redisServer.stop();
      await postgres.stop();
    },
  };
}
