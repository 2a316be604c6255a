import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVICES } from './services.ts';
import { StackError } from './stack-error.ts';

/** One address of the local stack: the environment variable that moves it, and where it is otherwise. */
interface Port {
  readonly variable: string;
  readonly port: number;
}

/** `ingest-api` → `ODOMETER_LOCAL_INGEST_API_PORT`. */
function variableOf(service: string, suffix: 'PORT' | 'ADMIN_PORT'): string {
  return `ODOMETER_LOCAL_${service.toUpperCase().replaceAll('-', '_')}_${suffix}`;
}

/** Every port by the name of what listens there; a service's admin port is `<service>-admin`. */
export const PORTS: Readonly<Record<string, Port>> = Object.fromEntries<Port>([
  ['front', { variable: 'ODOMETER_LOCAL_PORT', port: 8080 }],
  ['postgres', { variable: 'ODOMETER_LOCAL_POSTGRES_PORT', port: 54330 }],
  ['redis', { variable: 'ODOMETER_LOCAL_REDIS_PORT', port: 63790 }],
  ['mosquitto', { variable: 'ODOMETER_LOCAL_MQTT_PORT', port: 18830 }],
  ['object-store', { variable: 'ODOMETER_LOCAL_OBJECT_STORE_PORT', port: 45660 }],
  ...SERVICES.flatMap(({ name, httpPort, adminPort }): [string, Port][] => [
    ...(httpPort === undefined
      ? []
      : [[name, { variable: variableOf(name, 'PORT'), port: httpPort }] satisfies [string, Port]]),
    [`${name}-admin`, { variable: variableOf(name, 'ADMIN_PORT'), port: adminPort }],
  ]),
]);

const LAST_PORT = 65_535;

/** The largest ODOMETER_LOCAL_PORT_OFFSET with which every port exists. */
export const LARGEST_OFFSET = LAST_PORT - Math.max(...Object.values(PORTS).map(({ port }) => port));

/** What `make up` was asked for. */
export interface Settings {
  readonly repository: string;
  /** Holds data, logs and pids; `.odometer` in the clone. */
  readonly directory: string;
  /** By the names of `PORTS`. */
  readonly ports: Readonly<Record<string, number>>;
  /** Whether the demo fleet runs. */
  readonly demo: boolean;
}

/** This package lies at packages/local-stack/{src,dist} in the clone. */
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

function wholeNumber(env: NodeJS.ProcessEnv, variable: string, fallback: number): number {
  const given = env[variable];
  if (given === undefined || given === '') return fallback;
  if (!/^\d{1,5}$/.test(given)) {
    throw new StackError(`${variable}=${given} is not a port number`);
  }
  return Number(given);
}

function readPorts(env: NodeJS.ProcessEnv): Readonly<Record<string, number>> {
  const offset = wholeNumber(env, 'ODOMETER_LOCAL_PORT_OFFSET', 0);
  const takenBy = new Map<number, string>();
  const ports = Object.entries(PORTS).map(([name, { variable, port: fallback }]) => {
    const port = wholeNumber(env, variable, fallback + offset);
    if (port < 1 || port > LAST_PORT) {
      const isOffset = port === fallback + offset && offset > LARGEST_OFFSET;
      throw new StackError(
        isOffset
          ? `ODOMETER_LOCAL_PORT_OFFSET=${offset} is too large: ${variable} would be port ${port}, which does not exist; the largest that works is ${LARGEST_OFFSET}`
          : `${variable} would be port ${port}, which does not exist`,
      );
    }
    const rival = takenBy.get(port);
    if (rival !== undefined) throw new StackError(`${variable} and ${rival} are both ${port}`);
    takenBy.set(port, variable);
    return [name, port] as const;
  });
  return Object.fromEntries(ports);
}

/**
 * Reads the settings of the local stack from the environment. `ODOMETER_LOCAL_PORT_OFFSET` moves all
 * default ports at once, so that a second clone can run beside the first.
 * @throws StackError naming the variable that is wrong.
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    repository: REPOSITORY,
    directory: resolve(REPOSITORY, env.ODOMETER_LOCAL_DIRECTORY || '.odometer'),
    ports: readPorts(env),
    demo: env.DEMO !== '0',
  };
}

/** The port of one name of `PORTS`. */
export function portOf(settings: Pick<Settings, 'ports'>, name: string): number {
  const port = settings.ports[name];
  if (port === undefined) throw new RangeError(`no port is named ${name}`);
  return port;
}

/** The variable that moves that port. */
export function portVariable(name: string): string {
  return PORTS[name]?.variable ?? '';
}

export function dataDirectory(settings: Settings, part: string): string {
  return join(settings.directory, 'data', part);
}

/** Logs that post-hoc metrics may read, one's own beside those of the demo. */
export function accessLogs(settings: Settings): string {
  return dataDirectory(settings, 'access-logs');
}

export function runDirectory(settings: Settings): string {
  return join(settings.directory, 'run');
}

export function logDirectory(settings: Settings): string {
  return join(settings.directory, 'logs');
}

export function logFile(settings: Settings, part: string): string {
  return join(logDirectory(settings), `${part}.log`);
}

export function envFile(settings: Settings): string {
  return join(settings.directory, 'env');
}

/** The compiled program of a package or a service, e.g. `services/ingest-api`. */
export function programOf(settings: Settings, folder: string, file = 'main.js'): string {
  return join(settings.repository, folder, 'dist', file);
}
