import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { findPostgresDirectory } from './find-program.ts';
import { type PostgresIdentity, postgresIdentity } from './run-as-postgres.ts';
import { keptSecret } from './secret-file.ts';
import { awaitReady, type ServerProcess, spawnServer } from './server-process.ts';
import { StackError } from './stack-error.ts';
import { assertPortFree } from './tcp-port.ts';

export interface PostgresOptions {
  /** Holds the cluster and its password; made when absent. */
  readonly directory: string;
  readonly port: number;
  readonly logFile: string;
  /**
   * True: a commit is on the disk before it is answered. False is for databases that tests throw
   * away; it may lose everything when the machine stops.
   */
  readonly durable: boolean;
  /** The environment variable that chooses the port, for the message when it is taken. */
  readonly portVariable?: string;
  /** Told of the process as soon as it exists, long before it is ready. */
  readonly onSpawn?: (server: ServerProcess) => void;
  /** Further settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running private PostgreSQL. */
export interface PostgresServer extends ServerProcess {
  /** With the password; the database is `odometer`. */
  readonly url: string;
  /** `fast` ends sessions and writes everything out; `immediate` stops as in a crash (recovery at the next start). */
  stopAs(mode: 'fast' | 'immediate'): Promise<void>;
}

const USER = 'odometer';
const DATABASE = 'odometer';
/** Crash recovery after a busy minute takes seconds; a slow disk makes it tens of seconds. */
const READY_DEADLINE_MS = 120_000;
/** What a start finds while the sessions of a killed server are still leaving. */
const STILL_LEAVING = /pre-existing shared memory block|lock file "postmaster.pid" already exists/;

const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };
const THROW_AWAY = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

function runAs(
  identity: PostgresIdentity | undefined,
  command: [string, ...string[]],
): [string, ...string[]] {
  const [first, ...rest] = [...(identity?.prefix ?? []), ...command];
  return first === undefined ? command : [first, ...rest];
}

/** Makes the cluster under a name of its own and renames it when whole: one half made is made again. */
function createCluster(
  directory: string,
  cluster: string,
  durable: boolean,
  identity: PostgresIdentity | undefined,
): void {
  const unfinished = `${cluster}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  if (identity !== undefined) chownSync(unfinished, identity.uid, identity.gid);
  keptSecret(join(directory, 'password'));
  const [program, ...args] = runAs(identity, [
    join(findPostgresDirectory(), 'initdb'),
    `--pgdata=${unfinished}`,
    `--username=${USER}`,
    `--pwfile=${join(directory, 'password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--no-locale',
    ...(durable ? ['--data-checksums'] : ['--no-sync']),
  ]);
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) {
    const reason = /no space left on device/i.test(stderr)
      ? 'the disk is full'
      : (error?.message ?? stderr.trim());
    throw new StackError(`PostgreSQL could not create its data in ${cluster}: ${reason}`);
  }
  renameSync(unfinished, cluster);
}

function clusterMajor(cluster: string): number {
  return Number(readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim());
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 5_000 });
  // A server that stops meanwhile emits this as well as rejecting; unheard it would end our process.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [
      DATABASE,
    ]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/**
 * Starts a private PostgreSQL on loopback and returns when it answers a query. The password is made
 * with the cluster; no Unix socket is opened (their paths are limited to 107 bytes).
 * @throws StackError in one sentence: port in use, program missing, disk full, or the end of its log.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { directory, port, logFile } = options;
  const cluster = join(directory, 'cluster');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const identity = postgresIdentity();
  if (!existsSync(cluster)) createCluster(directory, cluster, options.durable, identity);
  const program = join(findPostgresDirectory(clusterMajor(cluster)), 'postgres');
  const password = keptSecret(join(directory, 'password'));
  const origin = `postgres://${USER}:${password}@127.0.0.1:${port}`;
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    max_connections: '200',
    // One line per slow statement is what a person debugging a laptop wants; all would fill its disk.
    log_min_duration_statement: '1000',
    // The views are a few index scans that look like a million rows: compiling them takes seconds.
    jit: 'off',
    ...(options.durable ? DURABLE : THROW_AWAY),
    ...options.settings,
  };
  const deadline = Date.now() + READY_DEADLINE_MS;
  for (;;) {
    await assertPortFree('PostgreSQL', port, options.portVariable);
    const server = await spawnServer({
      name: 'postgres',
      command: runAs(identity, [
        program,
        '-D',
        cluster,
        '-p',
        String(port),
        ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ]),
      logFile,
      stopSignal: 'SIGINT',
      stopDeadlineMs: 60_000,
    });
    options.onSpawn?.(server);
    try {
      await awaitReady(
        server,
        () => ensureDatabase(`${origin}/postgres`),
        logFile,
        READY_DEADLINE_MS,
      );
    } catch (error) {
      if (error instanceof Error && STILL_LEAVING.test(error.message) && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        continue;
      }
      throw error;
    }
    return {
      ...server,
      url: `${origin}/${DATABASE}`,
      async stopAs(mode) {
        await server.stop(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      },
    };
  }
}
