import { createPool } from '@odometer/database/pool';
import { JobQueue } from '@odometer/queues/job-queue';
import { createProducerRedis, waitUntilReady } from '@odometer/queues/redis-connection';
import { createLogger } from '@odometer/service-kit/logging';
import { openEventProducer } from '../posthoc/open-event-producer.ts';
import { BearerTokens } from './bearer-tokens.ts';
import { PullCounts } from './pull-counts.ts';
import { pullLog } from './pull-log.ts';

/**
 * A worker that reads a pulled log, and kills itself at its nth statement, command or request: before it is sent, or just after,
 * while Postgres, Redis or the log does it. When it comes to its end it says how many there were.
 */
const [databaseUrl = '', redisUrl = '', log = '', when = '', nth = ''] = process.argv.slice(2);

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

const logger = createLogger('killed-puller', 'warn');
const pool = createPool(
  { url: databaseUrl, applicationName: 'killed puller', maxConnections: 2 },
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
const ask = globalThis.fetch;
globalThis.fetch = (...args) => reach(() => ask(...args));
const { epoch, producer, enqueue } = openEventProducer({
  pool,
  queue: new JobQueue('events', redis),
  instance: 'killed',
  onBug: (error) => {
    throw error;
  },
  log: logger,
});
isCounting = true;
await epoch.start();
await pullLog(
  {
    pool,
    tokens: new BearerTokens(process.env),
    counts: new PullCounts(),
    bounds: { maxFutureMs: 300_000, maxAgeMs: 395 * 86_400_000, maxEventBytes: 65_536 },
    defaultOrganization: 'default',
    enqueue,
    log: logger,
  },
  { log },
  new AbortController().signal,
);
isCounting = false;
await producer.stop();
await epoch.stop();
process.stdout.write(`${sent}\n`);
process.exit(0);
