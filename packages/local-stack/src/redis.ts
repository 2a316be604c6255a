import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findProgram } from './find-program.ts';
import { keptSecret } from './secret-file.ts';
import { awaitReady, type ServerProcess, spawnServer } from './server-process.ts';
import { assertPortFree } from './tcp-port.ts';

export interface RedisOptions {
  /** Holds the append-only file, the configuration and the password; made when absent. */
  readonly directory: string;
  readonly port: number;
  readonly logFile: string;
  readonly portVariable?: string;
  /** Told of the process as soon as it exists, long before it is ready. */
  readonly onSpawn?: (server: ServerProcess) => void;
  /** Further settings, as in redis.conf; they win over ours. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running private Redis. */
export interface RedisServer extends ServerProcess {
  readonly url: string;
}

/** Loading a large append-only file takes a second per 100 MB or so. */
const READY_DEADLINE_MS = 60_000;

/** What an acknowledgement rests on: on the disk before the reply, nothing ever evicted. */
const DURABLE = {
  appendonly: 'yes',
  appendfsync: 'always',
  'maxmemory-policy': 'noeviction',
  // Snapshots would add a fork per minute and no safety: the append-only file has everything.
  save: '""',
};

async function ping(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 2_000,
    // Its timer outlives a refused connection and would hold up the end of a test process.
    disconnectTimeout: 50,
  });
  // Emitted besides the rejection of connect(); unheard it is printed.
  redis.on('error', () => {});
  try {
    await redis.connect();
    await redis.ping();
  } finally {
    redis.disconnect();
  }
}

/**
 * Starts a private Redis on loopback, durable as the product demands, and returns when it has loaded
 * its data and answers.
 * @throws StackError in one sentence: port in use, program missing, disk full, or the end of its log.
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { directory, port, logFile } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const password = keptSecret(join(directory, 'password'));
  const settings = {
    bind: '127.0.0.1',
    port: String(port),
    requirepass: password,
    dir: `"${directory}"`,
    ...DURABLE,
    ...options.settings,
  };
  // In a file, because arguments are visible to every user of the machine.
  const configuration = join(directory, 'redis.conf');
  writeFileSync(
    configuration,
    `${Object.entries(settings)
      .map((pair) => pair.join(' '))
      .join('\n')}\n`,
    { mode: 0o600 },
  );
  await assertPortFree('Redis', port, options.portVariable);
  const server = await spawnServer({
    name: 'redis',
    command: [findProgram('redis-server'), configuration],
    logFile,
  });
  options.onSpawn?.(server);
  // The user is named, because redis-cli would send an empty name as a name.
  const url = `redis://default:${password}@127.0.0.1:${port}/0`;
  await awaitReady(server, () => ping(url), logFile, READY_DEADLINE_MS);
  return { ...server, url };
}
