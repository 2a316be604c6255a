import { hash, randomBytes } from 'node:crypto';
import { createApiKey } from '@odometer/database/api-keys';
import { freePort } from '@odometer/local-stack/tcp-port';
import { spawnService } from '@odometer/testing/spawn-service';
import type pg from 'pg';
import { cpuTimes, noteCpu } from '../cpu-per-item.ts';
import { registerFleet } from '../fleet.ts';
import { wallClockMs } from '../program.ts';
import type { Servers } from '../servers.ts';
import { profileEnv, type Settings } from '../settings.ts';
import { startProgram } from '../start-program.ts';
import { waitUntil } from '../wait-until.ts';
import type { SendCommand, SenderOptions, SendResult } from './event-sender.ts';
import type { NaiveOptions } from './naive-ingest.ts';
import type { LoopCommand, LoopOptions, LoopResult } from './plain-loop.ts';

const PROJECTS = 100;
const CONNECTIONS = 32;

/** How much a run sends. */
export interface EventLoad {
  /** Events per request. */
  readonly batch: number;
  /** Events sent before the clock starts: services that have just started are slower, and so are loops. */
  readonly warmUp: number;
  readonly events: number;
}

/** Odometer, ready to be sent events. */
interface Running {
  readonly pids: Readonly<Record<string, number>>;
  /** Sends and waits until all that was ever sent is applied. @returns what the sender says, and when all was applied. */
  send(command: SendCommand): Promise<SendResult & { readonly appliedAtMs: number }>;
}

/** Starts ingest-api and stats-worker as real processes on a fresh database, and a sender with everything prepared. */
export async function withOdometer<Result>(
  servers: Servers,
  settings: Settings,
  load: { readonly batch: number; readonly requests: number },
  use: (running: Running) => Promise<Result>,
): Promise<Result> {
  return servers.withFresh(async (databaseUrl, db) => {
    await registerFleet(db, PROJECTS);
    const secret = randomBytes(32).toString('base64url');
    await createApiKey(db, {
      name: 'bench',
      hash: hash('sha256', secret),
      organization: null,
      scopes: ['ingest'],
    });
    const port = await freePort();
    const env = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: servers.redisUrl,
      ODOMETER_INSTANCE: 'bench',
      ...profileEnv(settings),
    };
    const worker = await spawnService('stats-worker', env);
    const ingest = await spawnService('ingest-api', {
      ...env,
      ODOMETER_INGEST_HOST: '127.0.0.1',
      ODOMETER_INGEST_PORT: String(port),
    });
    try {
      await Promise.all([worker.ready(), ingest.ready()]);
      const sender = await startProgram<SenderOptions, SendCommand, SendResult>(
        import.meta.url,
        'event-sender',
        { port, secret, connections: CONNECTIONS, projects: PROJECTS, ...load },
      );
      let sent = 0;
      const result = await use({
        pids: { ...servers.pids, ingest: ingest.pid, worker: worker.pid },
        async send(command) {
          const answer = await sender.run(command);
          sent += (command.to - command.from) * load.batch;
          await waitUntil('all events are applied', async () => (await countApplied(db)) >= sent);
          return { ...answer, appliedAtMs: wallClockMs() };
        },
      });
      await sender.stop();
      await assertExact(db, sent);
      return result;
    } finally {
      await ingest.kill('SIGTERM');
      await worker.kill('SIGTERM');
    }
  });
}

async function countApplied(db: pg.Client): Promise<number> {
  const { rows } = await db.query<{ counted: string }>(
    'select coalesce(sum(counted), 0) as counted from applied_batches',
  );
  return Number(rows[0]?.counted);
}

/** A run that loses or doubles an event has no rate. */
async function assertExact(db: pg.Client, sent: number): Promise<void> {
  const { rows } = await db.query<{ events: string; keys: string; hours: string; months: string }>(
    `select (select count(*) from events) as events, (select count(*) from event_keys) as keys,
       (select sum(count) from usage_hourly) as hours, (select sum(count) from usage_monthly) as months`,
  );
  for (const [where, count] of Object.entries(rows[0] ?? {})) {
    if (Number(count) !== sent)
      throw new Error(`${sent} events were sent, ${count} are in ${where}`);
  }
}

/** @returns events acknowledged and applied per second. */
export function odometerRate(
  servers: Servers,
  settings: Settings,
  { batch, warmUp, events }: EventLoad,
): Promise<number> {
  const warmUpRequests = warmUp / batch;
  const requests = warmUpRequests + events / batch;
  return withOdometer(servers, settings, { batch, requests }, async ({ send, pids }) => {
    await send({ from: 0, to: warmUpRequests });
    const before = cpuTimes(pids);
    const { startedAtMs, appliedAtMs } = await send({ from: warmUpRequests, to: requests });
    noteCpu(pids, before, events);
    return (events * 1_000) / (appliedAtMs - startedAtMs);
  });
}

/** @returns rows written per second. */
export function plainLoopRate(
  servers: Servers,
  { warmUp, events }: Pick<EventLoad, 'warmUp' | 'events'>,
): Promise<number> {
  return servers.withFresh(async (databaseUrl, db) => {
    await registerFleet(db, PROJECTS);
    const options = { databaseUrl, events: warmUp + events, projects: PROJECTS };
    const loop = await startProgram<LoopOptions, LoopCommand, LoopResult>(
      import.meta.url,
      'plain-loop',
      options,
    );
    await loop.run({ from: 0, to: warmUp });
    const pids = { loop: loop.pid, postgres: servers.pids.postgres };
    const before = cpuTimes(pids);
    const { startedAtMs, endedAtMs } = await loop.run({ from: warmUp, to: warmUp + events });
    noteCpu(pids, before, events);
    await loop.stop();
    return (events * 1_000) / (endedAtMs - startedAtMs);
  });
}

/** @returns events acknowledged and applied per second. */
export function naiveRate(servers: Servers, { batch, warmUp, events }: EventLoad): Promise<number> {
  return servers.withFresh(async (databaseUrl, db) => {
    const port = await freePort();
    const options: NaiveOptions = { port, redisUrl: servers.redisUrl, databaseUrl };
    const worker = await startProgram(import.meta.url, 'naive-worker', options);
    const ingest = await startProgram(import.meta.url, 'naive-ingest', options);
    const warmUpRequests = warmUp / batch;
    const requests = warmUpRequests + events / batch;
    const sender = await startProgram<SenderOptions, SendCommand, SendResult>(
      import.meta.url,
      'event-sender',
      { port, secret: '', connections: CONNECTIONS, projects: PROJECTS, batch, requests },
    );
    const applied = (count: number) =>
      waitUntil('all jobs are done', async () => {
        const { rows } = await db.query<{ count: string }>(
          'select coalesce(sum(count), 0) as count from naive_usage',
        );
        return Number(rows[0]?.count) >= count;
      });
    await sender.run({ from: 0, to: warmUpRequests });
    await applied(warmUp);
    const { startedAtMs } = await sender.run({ from: warmUpRequests, to: requests });
    await applied(warmUp + events);
    const endedAtMs = wallClockMs();
    await Promise.all([sender.stop(), ingest.stop(), worker.stop()]);
    return (events * 1_000) / (endedAtMs - startedAtMs);
  });
}
