import { freePort } from '@odometer/local-stack/tcp-port';
import { seededRandom } from '@odometer/testing/seeded-random';
import { spawnService } from '@odometer/testing/spawn-service';
import { HttpConnection } from '../events/http-connection.ts';
import { type Figure, note } from '../figure.ts';
import { compare, interleave } from '../interleave.ts';
import type { Servers } from '../servers.ts';
import { profileEnv, type Settings } from '../settings.ts';
import { startProgram } from '../start-program.ts';
import { median, percentile, rounded } from '../statistics.ts';
import type { BareReadOptions } from './bare-read.ts';
import { fillProjects, projectNames } from './fill-projects.ts';

const PROJECTS = 100_000;
const REQUESTS = 1_000;
/** Until Postgres has settled on its plans and V8 on its code. */
const WARM_UP = 500;
const MAX_RATIO = 2;

/** How a project is asked about: its number → a request. */
type Ask = (project: number) => {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
};

interface Reading {
  readonly bench: string;
  readonly ask: Ask;
  /** The bare read in the same form: a GET against a GET, a POST against a POST. */
  readonly bare: Ask;
}

const READINGS: readonly Reading[] = [
  {
    bench: 'limits-check',
    ask: (project) => ({
      method: 'POST',
      path: '/api/v1/limits/check',
      body: { ...projectNames(project), meter: 'api_calls', quantity: 1 },
    }),
    bare: (project) => ({ method: 'POST', path: '/projects', body: { id: String(project) } }),
  },
  {
    bench: 'project-stats',
    ask: (project) => ({ method: 'GET', path: `/api/v1/projects/${project}/stats` }),
    bare: (project) => ({ method: 'GET', path: `/projects/${project}` }),
  },
];

export const limitsCheckFigures = (servers: Servers, settings: Settings) =>
  readingFigures(servers, settings, 'limits-check');
export const projectStatsFigures = (servers: Servers, settings: Settings) =>
  readingFigures(servers, settings, 'project-stats');

/** One question at a time about projects drawn at random, to the query API and to a bare read by primary key. */
async function readingFigures(
  servers: Servers,
  settings: Settings,
  bench: string,
): Promise<readonly Figure[]> {
  const reading = READINGS.find((each) => each.bench === bench);
  if (reading === undefined) throw new RangeError(`there is no reading ${bench}`);
  const projects = Math.max(1_000, Math.round(PROJECTS * settings.scale));
  return servers.withFresh(async (databaseUrl, db) => {
    note(`  filling ${projects} projects`);
    const secret = await fillProjects(db, projects);
    const [port, barePort] = [await freePort(), await freePort()];
    const service = await spawnService('stats-api', {
      DATABASE_URL: databaseUrl,
      REDIS_URL: servers.redisUrl,
      ODOMETER_INSTANCE: 'bench',
      ODOMETER_STATS_HOST: '127.0.0.1',
      ODOMETER_STATS_PORT: String(port),
      ...profileEnv(settings),
    });
    const bare = await startProgram<BareReadOptions, never, never>(import.meta.url, 'bare-read', {
      port: barePort,
      databaseUrl,
    });
    try {
      await service.ready();
      const random = seededRandom(1);
      const draw = () => random.integer(1, projects);
      const worst: number[] = [];
      const latencies = async (toPort: number, ask: Ask, requests: number) => {
        const connection = await HttpConnection.open(toPort);
        const times: number[] = [];
        for (let i = 0; i < requests; i += 1) {
          const request = requestText(ask(draw()), secret);
          const startedAtMs = performance.now();
          const status = await connection.send(request);
          times.push(performance.now() - startedAtMs);
          if (status !== 200) throw new Error(`${bench} answered ${status}`);
        }
        connection.close();
        return times;
      };
      await latencies(port, reading.ask, WARM_UP);
      await latencies(barePort, reading.bare, WARM_UP);
      const times = await interleave(bench, settings.pairs, [
        {
          name: 'odometer',
          run: async () => {
            const ours = await latencies(port, reading.ask, REQUESTS);
            worst.push(percentile(ours, 0.99));
            return median(ours);
          },
        },
        {
          name: 'bare',
          run: async () => median(await latencies(barePort, reading.bare, REQUESTS)),
        },
      ]);
      const comparison = compare(times.odometer, times.bare);
      return [
        {
          bench,
          value: rounded(median(times.odometer)),
          unit: 'ms',
          p99: rounded(median(worst)),
          against: 'express, one row by its primary key',
          ...comparison,
          target: `ratio ≤ ${MAX_RATIO}`,
          reached: comparison.ratio <= MAX_RATIO,
        },
      ];
    } finally {
      await bare.stop();
      await service.kill('SIGTERM');
    }
  });
}

function requestText({ method, path, body }: ReturnType<Ask>, secret: string): Buffer {
  const json = body === undefined ? '' : JSON.stringify(body);
  return Buffer.from(
    [
      `${method} ${path} HTTP/1.1`,
      'Host: 127.0.0.1',
      `Authorization: Bearer ${secret}`,
      ...(body === undefined
        ? []
        : ['Content-Type: application/json', `Content-Length: ${Buffer.byteLength(json)}`]),
      '',
      json,
    ].join('\r\n'),
  );
}
