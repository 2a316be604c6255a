import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { processBirth } from '@odometer/local-stack/process-identity';
import { SERVICES } from '@odometer/local-stack/services';
import { PORTS } from '@odometer/local-stack/settings';
import { freePort } from '@odometer/local-stack/tcp-port';
import { eventually } from '@odometer/testing/eventually';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { watchProcess } from '@odometer/testing/watchdog';
import { connectAsync } from 'mqtt';

// What `make up` and `make down` run after the build, on ports and data of its own. The demo fleet
// is off, so that totals are exact.

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const MINUTES_MS = 60_000;
const directory = temporaryDirectory('stack');
let env: NodeJS.ProcessEnv;

interface Run {
  readonly code: number | null;
  readonly output: string;
}

function run(program: string, args: readonly string[] = []): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: REPOSITORY, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

const stack = (command: 'up' | 'down') =>
  run(process.execPath, [join(REPOSITORY, `packages/local-stack/dist/${command}.js`)]);

function pidOf(name: string): number {
  return Number(readFileSync(join(directory, 'run', `${name}.pid`), 'utf8'));
}

function recordedNames(): readonly string[] {
  return readdirSync(join(directory, 'run'))
    .filter((file) => file.endsWith('.pid'))
    .map((file) => file.slice(0, -'.pid'.length))
    .sort();
}

function address(name: string): string {
  const line = new RegExp(`^export ${name}='(.*)'$`, 'm').exec(
    readFileSync(join(directory, 'env'), 'utf8'),
  );
  return line?.[1] ?? '';
}

async function publish(): Promise<void> {
  const client = await connectAsync(address('MQTT_URL'));
  await client.publishAsync('roboticks/acme/rover/robot-1/telemetry', 'hello', { qos: 1 });
  await client.endAsync();
}

async function post(id: string): Promise<number> {
  const response = await fetch(`${address('ODOMETER_URL')}/api/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${address('ODOMETER_API_KEY')}`,
      'content-type': 'application/cloudevents+json',
    },
    body: JSON.stringify({
      specversion: '1.0',
      id,
      source: 'make-up.test',
      type: 'api_calls',
      subject: 'acme/rover',
    }),
  });
  await response.arrayBuffer();
  return response.status;
}

/** The project's totals as `./odometer usage acme/rover --json` prints them. */
async function totalsShow(wanted: Readonly<Record<string, number>>): Promise<void> {
  const { code, output } = await run(join(REPOSITORY, 'odometer'), [
    'usage',
    'acme/rover',
    '--json',
  ]);
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(JSON.parse(output)).toMatchObject(wanted);
}

beforeAll(async () => {
  const ports = await Promise.all(
    Object.values(PORTS).map(async ({ variable }) => [variable, String(await freePort())] as const),
  );
  env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    DEMO: '0',
    ODOMETER_LOCAL_DIRECTORY: directory,
    ...Object.fromEntries(ports),
  };
});

afterAll(async () => {
  await stack('down');
}, 2 * MINUTES_MS);

test(
  'starts everything, counts what the printed commands send, and says where it is',
  async () => {
    const { code, output } = await stack('up');
    for (const name of recordedNames()) watchProcess(pidOf(name), new Promise(() => {}));
    expect({ code, output }).toMatchObject({ code: 0 });
    for (const { name } of SERVICES) expect(output).toContain(`${name} is ready`);
    expect(output).toContain(address('ODOMETER_URL'));
    expect(output).toContain('mosquitto_pub');
    expect(output).toContain('./odometer usage acme/rover');
    expect(statSync(join(directory, 'env')).mode & 0o777).toBe(0o600);

    await publish();
    expect(await post('first')).toBe(204);
    expect(await post('first')).toBe(204);
    await eventually(() => totalsShow({ mqtt_inbound: 1, api_calls: 1 }), {
      deadlineMs: 20_000,
      intervalMs: 250,
    });
  },
  5 * MINUTES_MS,
);

test(
  'a second start finds everything running',
  async () => {
    const before = recordedNames().map((name) => [name, pidOf(name)]);
    const { code, output } = await stack('up');
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(output).toContain('already running');
    expect(recordedNames().map((name) => [name, pidOf(name)])).toEqual(before);
  },
  2 * MINUTES_MS,
);

test(
  'whatever is killed is back on its own port and data, and nothing is lost or doubled',
  async () => {
    const parts = recordedNames().filter((name) => name !== 'supervisor');
    expect(parts).toEqual(
      ['front', 'mosquitto', 'postgres', 'redis', ...SERVICES.map(({ name }) => name)].sort(),
    );
    for (const name of parts) {
      const killed = pidOf(name);
      process.kill(killed, 'SIGKILL');
      await eventually(() => recordedNames().includes(name) && pidOf(name) !== killed);
      watchProcess(pidOf(name), new Promise(() => {}));
    }
    const { code, output } = await stack('up');
    expect({ code, output }).toMatchObject({ code: 0 });
    expect(await post('first')).toBe(204);
    expect(await post('second')).toBe(204);
    await eventually(() => totalsShow({ api_calls: 2 }), { deadlineMs: 30_000, intervalMs: 250 });
  },
  5 * MINUTES_MS,
);

test(
  'a port that somebody else has is one sentence, and nothing is left running',
  async () => {
    const other = { ...env, ODOMETER_LOCAL_DIRECTORY: temporaryDirectory('stack-rival') };
    const [mine, rival] = [env, other];
    env = rival;
    const { code, output } = await stack('up');
    env = mine;
    expect(code).toBe(1);
    expect(output).toMatch(/Port \d+, wanted for front, is in use by .*ODOMETER_LOCAL_PORT/);
  },
  MINUTES_MS,
);

test(
  'stops all that it started, and keeps the data',
  async () => {
    const pids = recordedNames().map(pidOf);
    const down = await stack('down');
    expect(down).toMatchObject({ code: 0 });
    expect(pids.filter((pid) => processBirth(pid) !== undefined)).toEqual([]);
    expect(recordedNames()).toEqual([]);
    expect((await stack('down')).output).toContain('not running');

    // Two at once: one starts it, the other says so and touches nothing.
    const both = await Promise.all([stack('up'), stack('up')]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
    expect(both.find(({ code }) => code === 1)?.output).toMatch(/is at work here \(pid \d+\)/);
    for (const name of recordedNames()) watchProcess(pidOf(name), new Promise(() => {}));
    await totalsShow({ mqtt_inbound: 1, api_calls: 2 });
  },
  5 * MINUTES_MS,
);
