import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { awaitReady, spawnServer } from '@odometer/local-stack/server-process';
import { freePort } from '@odometer/local-stack/tcp-port';
import { bundlePrograms } from '@odometer/testing/bundle-programs';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { startTestBroker } from '@odometer/testing/test-broker';
import type { Figure } from '../figure.ts';
import { compare, interleave } from '../interleave.ts';
import type { Servers } from '../servers.ts';
import type { Settings } from '../settings.ts';
import { median, rounded } from '../statistics.ts';

const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url));

/** Each with the variables of its own that a first start needs. */
const SERVICES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'ingest-api': { ODOMETER_INGEST_HOST: '127.0.0.1', ODOMETER_INGEST_PORT: '0' },
  'mqtt-counter': {},
  's3-usage-watcher': { ODOMETER_STORAGE_HOST: '127.0.0.1', ODOMETER_STORAGE_PORT: '0' },
  scheduler: {},
  'stats-api': { ODOMETER_STATS_HOST: '127.0.0.1', ODOMETER_STATS_PORT: '0' },
  'stats-worker': {},
};

type Environment = Readonly<Record<string, string>>;

/** Each service from its start to `/readyz`, bundled as in the image, against the same service from its compiled files. */
export async function coldStartFigures(
  servers: Servers,
  settings: Settings,
): Promise<readonly Figure[]> {
  const app = await bundlePrograms();
  const broker = await startTestBroker();
  try {
    return await servers.withFresh(async (databaseUrl) => {
      const shared = {
        DATABASE_URL: databaseUrl,
        REDIS_URL: servers.redisUrl,
        MQTT_URL: broker.server.url,
        ODOMETER_INSTANCE: 'bench',
      };
      const figures: Figure[] = [];
      for (const [service, own] of Object.entries(SERVICES)) {
        const env = { ...shared, ...own };
        const compiled = join(REPOSITORY, 'services', service, 'dist', 'main.js');
        const seconds = await interleave(`cold-start ${service}`, settings.pairs, [
          {
            name: 'bundled',
            run: () => secondsToReady(service, join(app, `${service}.mjs`), env),
          },
          { name: 'compiled', run: () => secondsToReady(service, compiled, env) },
        ]);
        figures.push({
          bench: `cold-start-${service}`,
          value: rounded(median(seconds.bundled)),
          unit: 's',
          against: 'the compiled files, not bundled',
          ...compare(seconds.bundled, seconds.compiled),
        });
      }
      return figures;
    });
  } finally {
    await broker.stop();
  }
}

async function secondsToReady(service: string, program: string, env: Environment): Promise<number> {
  const adminPort = String(await freePort());
  const logFile = join(temporaryDirectory(service), `${service}.log`);
  const startedAtMs = performance.now();
  const server = await spawnServer({
    name: service,
    command: [process.execPath, '--enable-source-maps', program],
    env: {
      PATH: process.env.PATH,
      ...env,
      ODOMETER_ADMIN_HOST: '127.0.0.1',
      ODOMETER_ADMIN_PORT: adminPort,
    },
    logFile,
  });
  try {
    await awaitReady(server, () => isReady(adminPort), logFile, 60_000);
    return (performance.now() - startedAtMs) / 1_000;
  } finally {
    await server.stop();
  }
}

/** @throws Error until it is. */
async function isReady(adminPort: string): Promise<void> {
  const { status } = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
  if (status !== 200) throw new Error(`/readyz answers ${status}`);
}
