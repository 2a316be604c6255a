import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnTypescript } from '@odometer/testing/spawn-typescript';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { PROGRAMS } from '../../docker/src/programs.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** Outside of the repository: nothing is found in its node_modules that the bundle lacks. */
const BUNDLE = join(temporaryDirectory('bundle'), 'app');

const execute = promisify(execFile);
let database: TestDatabase;

beforeAll(async () => {
  const bundler = spawnTypescript(new URL('../../docker/src/main.ts', import.meta.url), [BUNDLE]);
  const [exitCode] = await once(bundler, 'exit');
  if (exitCode !== 0) throw new Error(`the bundler ended with ${exitCode}`);
  database = await createTestDatabase({ migrated: false });
}, 60_000);

afterAll(() => database.drop());

/** What a program of the bundle prints, with these variables only. @throws Error when it fails */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(
    process.execPath,
    ['--enable-source-maps', join(BUNDLE, `${program}.mjs`), ...args],
    {
      cwd: BUNDLE,
      env: {
        DATABASE_URL: database.url,
        REDIS_URL: 'redis://127.0.0.1:1',
        MQTT_URL: 'mqtt://127.0.0.1:1',
      },
    },
  );
  return stdout;
}

test('every service is a program of the image', () => {
  const services = readdirSync(join(REPOSITORY, 'services'));
  expect(Object.keys(PROGRAMS).sort()).toEqual([...services, 'odometer'].sort());
});

test.each(Object.keys(PROGRAMS).filter((name) => name !== 'odometer'))(
  '%s starts from the bundle alone',
  async (name) => {
    expect(await run(name, '--validate')).toBe('configuration is valid\n');
  },
);

test('the bundle knows its version, and brings the migrations', async () => {
  const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  expect(await run('odometer', '--version')).toBe(`${version}\n`);
  const migrations = readdirSync(join(REPOSITORY, 'packages/database/migrations'));
  expect(JSON.parse(await run('odometer', 'migrate', '--json'))).toEqual({
    applied: migrations.map((file) => file.replace(/\.sql$/, '')).sort(),
  });
});

test('DuckDB answers from beside the bundle, with nothing of the repository', async () => {
  const script = `
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    console.log((await connection.runAndReadAll("select sum(i)::text from range(10) t (i)")).getRows()[0][0]);`;
  const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', script], {
    cwd: BUNDLE,
    env: {},
  });
  expect(stdout).toBe('45\n');
});

test('the bundle names every package in it, each with a licence', () => {
  const bill = JSON.parse(readFileSync(join(BUNDLE, 'sbom.cdx.json'), 'utf8'));
  const names = bill.components.map(({ name }: { name: string }) => name);
  expect(names).toEqual(
    expect.arrayContaining([
      'bullmq',
      'express',
      'mqtt',
      'pg',
      'zod',
      '@duckdb/node-api',
      'detect-libc',
    ]),
  );
  const licences = readFileSync(join(BUNDLE, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  for (const name of names) expect(licences).toContain(`${name} `);
});
