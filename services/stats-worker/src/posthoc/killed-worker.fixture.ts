import { setTimeout } from 'node:timers/promises';
import type { AthenaClient } from '@aws-sdk/client-athena';
import { createPool } from '@odometer/database/pool';
import { unfinishedRuns } from '@odometer/database/posthoc/plan-runs';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { createLogger } from '@odometer/service-kit/logging';
import { createDuckDbEngine } from './engines/duckdb/duckdb-engine.ts';
import type { PosthocEngine } from './engines/engine.ts';
import { openEventProducer } from './open-event-producer.ts';
import { planDueRuns } from './plan-due.ts';
import { PosthocCounts } from './posthoc-counts.ts';
import { processRun } from './process-run.ts';

/**
 * A worker that does what is due of post-hoc metrics, and kills itself at its nth statement, command or call of Athena: before it
 * is sent, or just after, while Postgres or Redis does it. When it comes to its end it says how many there were.
 */
const [
  databaseUrl = '',
  redisUrl = '',
  directory = '',
  engine = '',
  now = '',
  when = '',
  nth = '',
] = process.argv.slice(2);

let sent = 0;
let isCounting = false;

function reach<Sent>(send: () => Sent): Sent {
  if (isCounting) sent += 1;
  const isHere = isCounting && sent === Number(nth);
  if (isHere && when === 'before') process.kill(process.pid, 'SIGKILL');
  const result = send();
  // After this turn of the loop it is in the socket; nobody has read an answer yet.
  if (isHere && when === 'during') setImmediate(() => process.kill(process.pid, 'SIGKILL'));
  return result;
}

const log = createLogger('killed-worker', 'warn');
const pool = createPool(
  { url: databaseUrl, applicationName: 'killed worker', maxConnections: 2 },
  () => {},
);
pool.on('connect', (client) => {
  const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown;
  Object.assign(client, {
    query: (...args: readonly unknown[]) => reach(() => query(...args)),
  });
});
const redis = createProducerRedis({ url: redisUrl });
await waitUntilReady(redis);
const sendCommand = redis.sendCommand.bind(redis);
redis.sendCommand = (...args) => reach(() => sendCommand(...args));
const queue = new JobQueue('posthoc', redis);
const { epoch, producer, enqueue } = openEventProducer({
  pool,
  queue: new JobQueue('events', redis),
  instance: 'killed',
  onBug: (error) => {
    throw error;
  },
  log,
});
/** Loaded when it is asked: the SDK costs a second of a process that is started a hundred times. */
async function athenaEngine(): Promise<PosthocEngine> {
  const [{ AwsClients }, { createAthenaEngine }] = await Promise.all([
    import('@odometer/aws/aws-clients'),
    import('./engines/athena/athena-engine.ts'),
  ]);
  const aws = new AwsClients();
  return createAthenaEngine((target) => {
    const client = aws.athena(target);
    const send = client.send.bind(client) as (...args: readonly unknown[]) => unknown;
    return { send: (...args: readonly unknown[]) => reach(() => send(...args)) } as AthenaClient;
  });
}
const aws = {
  s3: () => {
    throw new Error('no bucket is declared');
  },
};
const duckdb = createDuckDbEngine({
  directory,
  limits: { memoryBytes: 268_435_456, threads: 1 },
  fetch: { aws, maxBytes: 0 },
});
const engines = { duckdb, athena: engine === 'athena' ? await athenaEngine() : duckdb };
isCounting = true;
await epoch.start();
const nowMs = Date.parse(now);
await planDueRuns(pool, queue, nowMs);
for (const { id } of await unfinishedRuns(pool, new Date(nowMs), 10)) {
  const parts = { pool, engines, counts: new PosthocCounts(), enqueue, log };
  // Its job comes again. Without the waits it would look more often, and have more statements to be killed at.
  while ((await processRun(parts, id, new AbortController().signal)) !== undefined) {
    await setTimeout(200);
  }
}
isCounting = false;
await producer.stop();
await epoch.stop();
process.stdout.write(`${sent}\n`);
process.exit(0);
