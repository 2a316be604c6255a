import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@odometer/local-stack/tcp-port';
import { eventually } from '@odometer/testing/eventually';
import { startTestBroker } from '@odometer/testing/test-broker';
import { createTestDatabase } from '@odometer/testing/test-database';
import { startTestRedis } from '@odometer/testing/test-redis';
import { connectAsync } from 'mqtt';
import pg from 'pg';
import { PROGRAMS } from '../../docker/src/programs.ts';
import { ENTRY_ORDER } from '../bench/benchmarks.ts';
import type { Figure } from '../bench/figure.ts';
import { mergeMeasurements, readDocument, renderDocument } from '../bench/report/document.ts';
import { type Container, compressedSizeBytes, docker, runOnce, startContainer } from './docker.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const MAX_SIZE_MB = 150;
/** Configuration that is valid, and leads nowhere. */
const NOWHERE = {
  DATABASE_URL: 'postgres://127.0.0.1:1/odometer',
  REDIS_URL: 'redis://127.0.0.1:1',
  MQTT_URL: 'mqtt://127.0.0.1:1',
};
const cleanups: (() => Promise<unknown>)[] = [];
const figures: Figure[] = [];

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

describe.each(['odometer:local', 'odometer:distroless'])('%s', (image) => {
  test.each(Object.keys(PROGRAMS).filter((name) => name !== 'odometer'))(
    '%s starts with --validate, as a non-root user on a read-only root',
    async (name) => {
      const printed = await runOnce(image, [`/app/${name}.mjs`, '--validate'], NOWHERE);
      expect(printed).toBe('configuration is valid\n');
    },
  );

  test('odometer starts, and is what runs without arguments', async () => {
    expect(await runOnce(image, ['/app/odometer.mjs', '--version'])).toBe(`${packageVersion()}\n`);
    expect(await runOnce(image, [])).toContain('Usage: odometer');
  });

  test('is labelled with what it was built from, and names a user by number', async () => {
    const [{ Config: config }] = JSON.parse(await docker('image', 'inspect', image));
    expect(config).toMatchObject({
      User: '65532:65532',
      Entrypoint: ['node', '--enable-source-maps'],
      WorkingDir: '/app',
    });
    expect(config.Labels).toMatchObject({
      'org.opencontainers.image.version': packageVersion(),
      'org.opencontainers.image.revision': expect.stringMatching(/^[0-9a-f]{40}(-dirty)?$/),
      'org.opencontainers.image.licenses': 'Apache-2.0',
    });
  });

  test('runs as 65532 without any capability, on Node 24, and can write to /tmp only', async () => {
    const script = `
      const { readFileSync, writeFileSync } = require('node:fs');
      const tryWriting = (file) => { try { writeFileSync(file, ''); return 'written'; } catch ({ code }) { return code; } };
      console.log(JSON.stringify({
        uid: process.getuid(), gid: process.getgid(), major: process.versions.node.split('.')[0],
        capabilities: /CapEff:\\s*(\\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1],
        tmp: tryWriting('/tmp/a'), app: tryWriting('/app/a'), root: tryWriting('/a'),
      }));`;
    expect(JSON.parse(await runOnce(image, ['-e', script]))).toEqual({
      uid: 65532,
      gid: 65532,
      major: '24',
      capabilities: '0000000000000000',
      tmp: 'written',
      app: 'EROFS',
      root: 'EROFS',
    });
    // Without a read-only root our files are still root's.
    const unconfined = ['run', '--rm', '--network', 'host', image, '-e', script];
    expect(JSON.parse(await docker(...unconfined))).toMatchObject({ app: 'EACCES' });
    // OpenShift gives every namespace a user of its own.
    const arbitrary = ['run', '--rm', '--network', 'host', '--user', '1000680000:0', image];
    expect(await docker(...arbitrary, '/app/odometer.mjs', '--version')).toMatch(/^\d/);
  });

  test('holds no native binding but DuckDB’s, no sources and no settings', async () => {
    const script = `console.log(require('node:fs').readdirSync('/app', { recursive: true }).join('\\n'))`;
    const files = (await runOnce(image, ['-e', script])).split('\n');
    expect(files).toEqual(expect.arrayContaining(['sbom.cdx.json', 'THIRD-PARTY-LICENSES.txt']));
    const arch = files.find((file) => file.endsWith('duckdb.node'))?.match(/linux-(\w+)/)?.[1];
    expect(files.filter((file) => /\.node$|\.ts$|\.env/.test(file))).toEqual([
      `node_modules/@duckdb/node-bindings-linux-${arch}/duckdb.node`,
    ]);
    expect(files.filter((file) => /^node_modules\/(@[^/]+\/)?[^/@]+$/.test(file)).sort()).toEqual([
      'node_modules/@duckdb/node-api',
      'node_modules/@duckdb/node-bindings',
      `node_modules/@duckdb/node-bindings-linux-${arch}`,
      'node_modules/detect-libc',
    ]);
  });

  test('DuckDB reads compressed logs, and writes what does not fit to /tmp', async () => {
    const script = `
      const { writeFileSync } = require('node:fs');
      const { gzipSync } = require('node:zlib');
      writeFileSync('/tmp/a.log.gz', gzipSync('web 1\\nweb 2\\n'.repeat(200_000)));
      import('@duckdb/node-api').then(async ({ DuckDBInstance }) => {
        const options = { memory_limit: '100MiB', temp_directory: '/tmp/duckdb', threads: '1' };
        const connection = await (await DuckDBInstance.create(':memory:', options)).connect();
        const logs = "read_csv('/tmp/a.log.gz', delim = ' ', header = false, names = ['project', 'calls'])";
        await connection.run('create table large as select calls, md5(calls::text || i) as digest, repeat(md5(i::text), 8) as text from ' + logs + ', range(2) r (i)');
        const spilled = require('node:fs').readdirSync('/tmp/duckdb').length > 0;
        const answer = await connection.runAndReadAll('select sum(calls)::text, count(*)::text, ' + spilled + ' from large');
        console.log(JSON.stringify(answer.getRows()[0]));
      });`;
    expect(JSON.parse(await runOnce(image, ['-e', script]))).toEqual(['1200000', '800000', true]);
  });

  test('counts an event and a message all the way to the totals, and stops when it is told to', async () => {
    const database = await createTestDatabase({ migrated: false });
    cleanups.push(() => database.drop());
    const redis = await startTestRedis();
    cleanups.push(() => redis.stop());
    const broker = await startTestBroker();
    cleanups.push(() => broker.stop());
    const env = { DATABASE_URL: database.url, REDIS_URL: redis.url, MQTT_URL: broker.url };

    const odometer = (...args: string[]) => runOnce(image, ['/app/odometer.mjs', ...args], env);
    await odometer('migrate');
    const { key } = JSON.parse(
      await await odometer('keys', 'create', '--name', 'image-test', '--scope', 'ingest', '--json'),
    );

    const ingestPort = await freePort();
    const containers = await Promise.all(
      [
        'ingest-api',
        'mqtt-counter',
        'stats-worker',
        'scheduler',
        'stats-api',
        's3-usage-watcher',
      ].map((name) =>
        startReady(image, name, {
          ...env,
          ODOMETER_INGEST_PORT: String(ingestPort),
          ODOMETER_STATS_PORT: '0',
          ODOMETER_STORAGE_PORT: '0',
        }),
      ),
    );

    const posted = await fetch(`http://127.0.0.1:${ingestPort}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({
        specversion: '1.0',
        id: 'one',
        source: 'image-test',
        type: 'api_calls',
        subject: 'acme/robots',
        data: { value: 3 },
      }),
    });
    expect(posted.status).toBe(204);
    const publisher = await connectAsync(broker.url);
    await publisher.publishAsync('roboticks/acme/robots/arm-1/telemetry', 'twelve bytes', {
      qos: 1,
    });
    await publisher.endAsync();

    const db = new pg.Client({ connectionString: database.url });
    await db.connect();
    cleanups.push(() => db.end());
    await eventually(
      async () => {
        const { rows } = await db.query(
          `select o.slug as organization, p.slug as project, s.lifetime_api_calls, s.lifetime_mqtt_inbound
           from project_stats s join projects p on p.id = s.project_id join organizations o on o.id = p.organization_id`,
        );
        expect(rows).toEqual([
          {
            organization: 'acme',
            project: 'robots',
            lifetime_api_calls: '3',
            lifetime_mqtt_inbound: '1',
          },
        ]);
      },
      { deadlineMs: 30_000, intervalMs: 250 },
    );

    // SIGTERM reaches the program: it is process 1, with nothing between.
    expect(await Promise.all(containers.map((container) => container.stop()))).toEqual(
      containers.map(() => 0),
    );
  });

  test(`is at most ${MAX_SIZE_MB} MB, compressed`, async () => {
    const megabytes = Math.round((await compressedSizeBytes(image)) / 1_000_000);
    figures.push({
      bench: image === 'odometer:local' ? 'image-size' : 'image-size-distroless',
      value: megabytes,
      unit: 'MB',
      target: `≤ ${MAX_SIZE_MB} MB compressed`,
      reached: megabytes <= MAX_SIZE_MB,
    });
    expect(megabytes).toBeLessThanOrEqual(MAX_SIZE_MB);
  });
});

test('the sizes are in docs/benchmarks.md', () => {
  const path = join(REPOSITORY, 'docs/benchmarks.md');
  const old = readDocument(readFileSync(path, 'utf8'));
  if (old === undefined) throw new Error(`${path} was not written by make bench`);
  const entry = {
    benchmark: 'image-size',
    measuredOn: new Date().toISOString().slice(0, 10),
    figures,
  };
  // The size of an image does not depend on the machine whose rates are there.
  writeFileSync(path, renderDocument(mergeMeasurements(old, old.machine, [entry], ENTRY_ORDER)));
  expect(figures).toHaveLength(2);
});

function packageVersion(): string {
  return JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')).version;
}

/** Starts a service in a container, and waits until it is ready. */
async function startReady(
  image: string,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<Container> {
  const adminPort = await freePort();
  const container = await startContainer(image, [`/app/${name}.mjs`], {
    ...env,
    ODOMETER_ADMIN_PORT: String(adminPort),
  });
  cleanups.push(() => container.remove());
  try {
    await eventually(
      async () => (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status === 200,
      { deadlineMs: 60_000, intervalMs: 250 },
    );
  } catch (error) {
    throw new Error(`${name} is not ready:\n${await container.log()}`, { cause: error });
  }
  return container;
}
