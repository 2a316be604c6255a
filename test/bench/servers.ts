import { startTestPostgres } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { Redis } from 'ioredis';
import pg from 'pg';

/** What every run needs below it: durable Postgres and Redis of our own, with default settings. */
export interface Servers {
  readonly redisUrl: string;
  readonly pids: { readonly redis: number; readonly postgres: number };
  /**
   * Runs `use` on a fresh database with the whole schema, beside an empty Redis; the database is dropped afterwards.
   *
   * @param template of `prepare`, to begin with its rows.
   */
  withFresh<Result>(
    use: (databaseUrl: string, db: pg.Client) => Promise<Result>,
    template?: string,
  ): Promise<Result>;
  /** Fills a database once, for runs that all begin with the same rows. @returns what withFresh takes. */
  prepare(fill: (db: pg.Client, databaseUrl: string) => Promise<void>): Promise<string>;
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

  function urlOf(database: string): string {
    const url = new URL(postgres.url);
    url.pathname = `/${database}`;
    return url.href;
  }

  async function onAdmin<Result>(use: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = new pg.Client({ connectionString: urlOf('postgres') });
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
    async withFresh(use, template = 'odometer') {
      await emptyRedis();
      runs += 1;
      const name = `run_${runs}`;
      // A checkpoint, so that no run pays for the one before.
      await onAdmin(async (client) => {
        // Copied, because the default writes all of a large template to the log.
        await client.query(`create database ${name} template ${template} strategy file_copy`);
        await client.query('checkpoint');
      });
      const db = new pg.Client({ connectionString: urlOf(name) });
      await db.connect();
      try {
        return await use(urlOf(name), db);
      } finally {
        await db.end();
        await onAdmin((client) => client.query(`drop database ${name} with (force)`));
      }
    },
    async prepare(fill) {
      runs += 1;
      const name = `prepared_${runs}`;
      await onAdmin((client) => client.query(`create database ${name} template odometer`));
      const db = new pg.Client({ connectionString: urlOf(name) });
      await db.connect();
      try {
        await fill(db, urlOf(name));
      } finally {
        await db.end();
      }
      return name;
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
