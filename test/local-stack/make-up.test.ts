import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DEMO_POSTHOC, demoDeclarations } from '@odometer/local-stack/demo/declarations';
import { DEMO_BUCKET, DEMO_QUEUE } from '@odometer/local-stack/object-store/names';
import { processBirth } from '@odometer/local-stack/process-identity';
import { SERVICES } from '@odometer/local-stack/services';
import { PORTS } from '@odometer/local-stack/settings';
import { freePort } from '@odometer/local-stack/tcp-port';
import { s3Notification } from '@odometer/s3-simulator/notification';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
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

/** Stores an object, and tells the queue of it as S3 would, which the emulator does not. */
async function store(key: string, sizeBytes: number): Promise<void> {
  const options = {
    endpoint: address('AWS_ENDPOINT_URL_S3'),
    region: address('AWS_REGION'),
    credentials: { accessKeyId: 'emulator', secretAccessKey: 'emulator' },
  };
  const s3 = new S3Client({ ...options, forcePathStyle: true });
  const sqs = new SQSClient({ ...options, useQueueUrlAsEndpoint: false });
  const bucket = new SimulatedBucket({ name: DEMO_BUCKET, now: Date.now });
  await s3.send(
    new PutObjectCommand({ Bucket: DEMO_BUCKET, Key: key, Body: Buffer.alloc(sizeBytes) }),
  );
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: DEMO_QUEUE }));
  const MessageBody = s3Notification(bucket.put(key, sizeBytes));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  s3.destroy();
  sqs.destroy();
}

async function odometer<Answer>(...args: readonly string[]): Promise<Answer> {
  const { code, output } = await run(join(REPOSITORY, 'odometer'), [...args, '--json']);
  expect({ code, output }).toMatchObject({ code: 0 });
  return JSON.parse(output) as Answer;
}

test(
  'a declared bucket is counted by its notifications, and proven by a listing',
  async () => {
    const file = join(directory, 'bucket.yaml');
    writeFileSync(file, demoDeclarations(address('AWS_ENDPOINT_URL_S3')));
    await odometer('apply', '-f', file);
    await store('acme/rover/scenes/7/mesh.bin', 1_234);
    await eventually(
      async () => {
        const [bucket] = await odometer<readonly object[]>('buckets');
        expect(bucket).toMatchObject({ name: 'demo', objects: 1, bytes: 1_234 });
      },
      { deadlineMs: 30_000, intervalMs: 250 },
    );
    const [measured] = await odometer<readonly object[]>('measure', 's3', 'demo');
    expect(measured).toMatchObject({
      target: 'demo',
      state: 'complete',
      figures: { listed: { objects: '1', bytes: '1234' }, drift: { objects: '0', bytes: '0' } },
    });
    await eventually(() => totalsShow({ total_s3_storage_bytes: 1_234 }), {
      deadlineMs: 60_000,
      intervalMs: 500,
    });
  },
  3 * MINUTES_MS,
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
      [
        'front',
        'mosquitto',
        'object-store',
        'postgres',
        'redis',
        ...SERVICES.map(({ name }) => name),
      ].sort(),
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

/** Bytes of a project by the files themselves, of the hours that are asked for. */
function loggedBytes(project: string, hours: ReadonlySet<string>): number {
  const logs = join(directory, 'data', 'access-logs');
  return readdirSync(logs, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.log.gz'))
    .flatMap((file) =>
      gunzipSync(readFileSync(join(logs, file)))
        .toString()
        .trimEnd()
        .split('\n'),
    )
    .filter((line) => line.includes(`:443/${project}/`))
    .map((line) => line.split(' '))
    .filter(([, time = '']) => hours.has(time.slice(0, 13)))
    .reduce((sum, fields) => sum + Number(fields[10]) + Number(fields[11]), 0);
}

test(
  'with the demo there are access logs, and the bytes that a post-hoc metric finds in them are those that are there',
  async () => {
    env = { ...env, DEMO: '1' };
    const { code, output } = await stack('up');
    expect({ code, output }).toMatchObject({ code: 0 });
    // A stack that runs already declares the demo and starts it after it has answered.
    await eventually(() => recordedNames().includes('demo'), { deadlineMs: 60_000 });
    watchProcess(pidOf('demo'), new Promise(() => {}));
    await eventually(
      async () => {
        const runs = await odometer<
          readonly { readonly windowStart: string; readonly state: string }[]
        >('posthoc', 'runs', DEMO_POSTHOC);
        const done = runs.filter(({ state }) => state === 'done');
        expect(done.length).toBeGreaterThan(0);
        const hours = new Set(done.map(({ windowStart }) => windowStart.slice(0, 13)));
        const logged = loggedBytes('northwind/harbor', hours);
        expect(logged).toBeGreaterThan(0);
        const usage = await odometer<object>('usage', 'northwind/harbor');
        expect(usage).toMatchObject({ lifetime_data_transfer_bytes: logged });
      },
      { deadlineMs: 90_000, intervalMs: 500 },
    );
  },
  5 * MINUTES_MS,
);
