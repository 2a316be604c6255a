import { Redis, type RedisOptions } from 'ioredis';

/**
 * Once a command is this old, its outcome is treated as unknown. AOF `always` answers in milliseconds; a second is a
 * disk in trouble or a fork of a large Redis, after which waiting on helps. Below the 5 s of impatient HTTP clients.
 */
const COMMAND_TIMEOUT_MS = 3_000;

/** A restarted Redis is found again within this, and a Redis that is away for days is asked once a second. */
const RECONNECT_CAP_MS = 1_000;

/** A peer that vanished without a word is given up after this; else TCP would try for 15 minutes. */
const PRODUCER_SILENCE_MS = 10_000;

/** As above, but BullMQ's blocking read may rightly stay without an answer for 10 s. */
const WORKER_SILENCE_MS = 15_000;

/** Where Redis is, and who we are there. */
export interface RedisEndpoint {
  /** `redis://` or `rediss://`; credentials in it win. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/**
 * A connection for those who add jobs: every command settles, soon, whatever Redis does.
 *
 *   connecting ──▶ ready ──▶ reconnecting ──▶ ready … ──disconnect()──▶ end
 *
 * Away: commands reject at once. Silent: they reject after `commandTimeoutMs`, and Redis may have run them, so only
 * commands that may be repeated belong here. It reconnects for ever, and may be made while Redis is away.
 */
export function createProducerRedis(
  options: RedisEndpoint & { readonly commandTimeoutMs?: number },
): Redis {
  return connect(options, {
    // Queued in our memory, an event would look taken while it is on no disk.
    enableOfflineQueue: false,
    commandTimeout: options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS,
    // A command in flight when the connection broke is sent again on the new one: job ids make that harmless. It must
    // not be false: such commands would settle only by the timeout (redis/ioredis#2193).
    autoResendUnfulfilledCommands: true,
    // One failed reconnection, about 100 ms, then what was in flight is rejected.
    maxRetriesPerRequest: 1,
    socketTimeout: PRODUCER_SILENCE_MS,
  });
}

/**
 * A connection for a JobWorker, which duplicates it for its blocking read. Commands wait for Redis to come back: a
 * worker has nothing better to do, and BullMQ demands it.
 */
export function createWorkerRedis(options: RedisEndpoint): Redis {
  return connect(options, { maxRetriesPerRequest: null, socketTimeout: WORKER_SILENCE_MS });
}

function connect(
  { url, username, password }: RedisEndpoint,
  options: Omit<RedisOptions, 'replyMapping'>,
): Redis {
  const redis = new Redis(url, {
    ...options,
    // Without a password there is nothing to say: Redis would refuse an AUTH that it did not ask for.
    ...(password === undefined
      ? {}
      : { password, ...(username === undefined ? {} : { username }) }),
    // Never null, or the connection ends for good.
    retryStrategy: (attempt) =>
      Math.min(50 * 2 ** Math.min(attempt, 10), RECONNECT_CAP_MS) * (0.5 + Math.random() / 2),
    // After a failover the old primary answers as a replica, with MOVED where it is one of a cluster: find the new one, by the
    // name of the endpoint. Until that means the new one, each command makes another attempt.
    reconnectOnError: (error) => /^(READONLY|MOVED) /.test(error.message),
  });
  // Unheard, ioredis prints each to the console. What matters of it reaches the caller of the command.
  redis.on('error', () => {});
  return redis;
}

/**
 * Waits until Redis answers; for the start of a process only, later on nothing should wait.
 * @throws the last connection error when it does not within `deadlineMs`.
 */
export async function waitUntilReady(redis: Redis, deadlineMs = 10_000): Promise<void> {
  if (redis.status === 'ready') return;
  let lastError = new Error(`Redis did not answer within ${deadlineMs} ms`);
  const onError = (error: Error) => {
    lastError = error;
  };
  redis.on('error', onError);
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(lastError), deadlineMs);
    redis.once('ready', () => {
      clearTimeout(late);
      resolve();
    });
  }).finally(() => redis.off('error', onError));
}
