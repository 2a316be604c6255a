import { mkdirSync } from 'node:fs';
import { type Addresses, objectStoreAddresses } from './addresses.ts';
import type { Route } from './front/front-server.ts';
import type { Part } from './kept-process.ts';
import { startMosquitto } from './mosquitto.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import { awaitReady, type ServerProcess, spawnServer } from './server-process.ts';
import { SERVICES, type Service } from './services.ts';
import {
  accessLogs,
  dataDirectory,
  logFile,
  portOf,
  portVariable,
  programOf,
  type Settings,
} from './settings.ts';
import { assertPortFree } from './tcp-port.ts';

/** Tells where a server is, each time it has started. */
export type Publish = (url: string) => void;

/** 1 GB: a full queue then answers 503 instead of taking the laptop's memory. */
const REDIS_MEMORY = '1gb';
/** Loading the emulator takes a second; a busy machine longer. */
const READY_DEADLINE_MS = 60_000;

function place(settings: Settings, part: string) {
  const directory = dataDirectory(settings, part);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return {
    directory,
    port: portOf(settings, part),
    portVariable: portVariable(part),
    logFile: logFile(settings, part),
  };
}

export function postgresPart(settings: Settings, publish: Publish): Part {
  return {
    name: 'postgres',
    async start(onSpawn) {
      const server = await startPostgres({
        ...place(settings, 'postgres'),
        durable: true,
        onSpawn,
      });
      publish(server.url);
      return server;
    },
  };
}

export function redisPart(settings: Settings, publish: Publish): Part {
  return {
    name: 'redis',
    async start(onSpawn) {
      const server = await startRedis({
        ...place(settings, 'redis'),
        settings: { maxmemory: REDIS_MEMORY },
        onSpawn,
      });
      publish(server.url);
      return server;
    },
  };
}

export function mosquittoPart(settings: Settings, publish: Publish): Part {
  return {
    name: 'mosquitto',
    async start(onSpawn) {
      const server = await startMosquitto({ ...place(settings, 'mosquitto'), onSpawn });
      publish(server.url);
      return server;
    },
  };
}

/** The emulator of S3 and SQS. */
export function objectStorePart(settings: Settings): Part {
  const port = portOf(settings, 'object-store');
  return {
    name: 'object-store',
    async start(onSpawn) {
      await assertPortFree('The object store', port, portVariable('object-store'));
      const server = await startNode(
        settings,
        'object-store',
        [programOf(settings, 'packages/local-stack', 'object-store/main.js'), String(port)],
        objectStoreAddresses(settings),
        onSpawn,
      );
      const file = logFile(settings, 'object-store');
      await awaitReady(
        server,
        () => ask(`http://127.0.0.1:${port}/health`),
        file,
        READY_DEADLINE_MS,
      );
      return server;
    },
  };
}

async function ask(url: string): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
}

/**
 * What a program of ours inherits: the operator's own `ODOMETER_…` settings and what every program
 * needs, but not what is meant for this stack or for clients of it.
 */
export function inheritedEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) =>
      /^(PATH|HOME|TZ|LANG|NODE_OPTIONS|NODE_EXTRA_CA_CERTS)$/.test(name) ||
      (name.startsWith('ODOMETER_') &&
        !name.startsWith('ODOMETER_LOCAL_') &&
        !['ODOMETER_URL', 'ODOMETER_API_KEY'].includes(name)),
  );
  return Object.fromEntries(kept);
}

async function startNode(
  settings: Settings,
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onSpawn: (server: ServerProcess) => void,
): Promise<ServerProcess> {
  const server = await spawnServer({
    name,
    command: [process.execPath, '--enable-source-maps', ...args],
    env: { ...inheritedEnv(process.env), ...env },
    cwd: settings.repository,
    logFile: logFile(settings, name),
  });
  onSpawn(server);
  return server;
}

type ServerAddresses = Omit<Addresses, 'ODOMETER_URL' | 'ODOMETER_API_KEY'>;

function servicePart(settings: Settings, service: Service, addresses: ServerAddresses): Part {
  const { name, httpVariables } = service;
  return {
    name,
    start: (onSpawn) =>
      startNode(
        settings,
        name,
        [programOf(settings, `services/${name}`)],
        {
          ...addresses,
          ODOMETER_INSTANCE: 'local',
          ODOMETER_REDIS_DURABILITY: 'always',
          ODOMETER_ADMIN_HOST: '127.0.0.1',
          ODOMETER_ADMIN_PORT: String(portOf(settings, `${name}-admin`)),
          ...(name === 'stats-worker' ? { ODOMETER_POSTHOC_DIRECTORY: accessLogs(settings) } : {}),
          ...(httpVariables === undefined
            ? {}
            : {
                [`${httpVariables}_HOST`]: '127.0.0.1',
                [`${httpVariables}_PORT`]: String(portOf(settings, name)),
              }),
        },
        onSpawn,
      ),
  };
}

/** All services of the table, ready to be started. */
export function serviceParts(settings: Settings, addresses: ServerAddresses): readonly Part[] {
  return SERVICES.map((service) => servicePart(settings, service, addresses));
}

/** The one public address. */
export function frontPart(settings: Settings): Part {
  const routes: readonly Route[] = SERVICES.flatMap(({ name, paths = [] }) =>
    paths.map((path) => ({ path, port: portOf(settings, name) })),
  );
  return {
    name: 'front',
    start: (onSpawn) =>
      startNode(
        settings,
        'front',
        [
          programOf(settings, 'packages/local-stack', 'front/main.js'),
          String(portOf(settings, 'front')),
          JSON.stringify(routes),
        ],
        {},
        onSpawn,
      ),
  };
}

/** The demo fleet, a client of the stack like any other. */
export function demoPart(settings: Settings, addresses: Addresses): Part {
  return {
    name: 'demo',
    start: (onSpawn) =>
      startNode(
        settings,
        'demo',
        [programOf(settings, 'packages/local-stack', 'demo/main.js')],
        { ...addresses, ACCESS_LOGS: accessLogs(settings) },
        onSpawn,
      ),
  };
}
