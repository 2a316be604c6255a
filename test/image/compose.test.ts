import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { QUEUE_NAMES } from '@odometer/queues/catalogue';
import { parse } from 'yaml';
import { PROGRAMS } from '../../docker/src/programs.ts';

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string | null>>;
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly ports?: readonly string[];
}

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const execute = promisify(execFile);
const read = (path: string) => readFileSync(join(REPOSITORY, path), 'utf8');

const text = read('docker/compose.yaml');
const services: Readonly<Record<string, Service>> = parse(text, { merge: true }).services;
const ours = Object.entries(services).filter(([, { image }]) => image.includes('ODOMETER_IMAGE'));

/** `${NAME:?…}` in place of its value. */
const REQUIRED = /\$\{(\w+):\?[^}]*\}/g;

/** The environment of a service, with all that is required set. Names without a value are taken from the shell: absent. */
function environmentOf({ environment = {} }: Service): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === null ? [] : [[name, String(value).replace(REQUIRED, 'p@ss%/word')]],
    ),
  );
}

test('every service of ours runs in compose', () => {
  const commands = ours.map(([, { command }]) => command?.[0]);
  for (const name of Object.keys(PROGRAMS)) {
    if (name !== 'odometer') expect(commands).toContain(`/app/${name}.mjs`);
  }
});

test('every queue has a worker, and one only', () => {
  const taken = ours.flatMap(
    ([, { environment }]) => environment?.ODOMETER_WORKER_QUEUES?.split(',') ?? [],
  );
  expect(taken.sort()).toEqual([...QUEUE_NAMES].sort());
});

const processes = ours.filter(([, { command }]) => /^\/app\/(?!odometer)/.test(command?.[0] ?? ''));

test.each(processes)('the environment of %s is valid to its program', async (_, service) => {
  const program = service.command?.[0]?.replace(/^\/app\/(.*)\.mjs$/, '$1') ?? '';
  const main = join(REPOSITORY, 'services', program, 'dist/main.js');
  const { stdout } = await execute(process.execPath, [main, '--validate'], {
    env: environmentOf(service),
  });
  expect(stdout).toBe('configuration is valid\n');
});

test('nothing has a default password, and docker/.env.example names what is required', () => {
  const required = new Set([...text.matchAll(REQUIRED)].map(([, name]) => name));
  const secrets = [...text.matchAll(/\$\{(\w*PASSWORD)\b/g)].map(([, name]) => name);
  expect([...required]).toEqual(expect.arrayContaining(secrets));
  const example = read('docker/.env.example');
  expect([...example.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])).toEqual(
    [...required].map((name) => [name, '']),
  );
});

test('no password is an argument, which everybody on the machine could read', () => {
  const options =
    /mosquitto_passwd -\w*b|mosquitto_(sub|pub)\b.* (-P|--pw)\b|--requirepass|valkey-cli.* (-a|--pass)\b/;
  expect(text).not.toMatch(options);
});

test('Valkey has a limit, at whose 90 % intake stops, before the machine ends it', () => {
  const configuration = services.valkey?.entrypoint?.[2] ?? '';
  expect(configuration).toMatch(/^maxmemory \$\{VALKEY_MAXMEMORY:-\d+gb\}$/m);
  expect(configuration).toMatch(/^maxmemory-policy noeviction$/m);
});

test('what is not encrypted listens on loopback by default', () => {
  const ports = Object.values(services).flatMap(({ ports = [] }) => ports);
  expect(ports.length).toBeGreaterThan(0);
  for (const port of ports) expect(port).toMatch(/^\$\{\w+:-127\.0\.0\.1:\d+\}:\d+$/);
});

test('containers of ours can change nothing and gain nothing', () => {
  for (const [, service] of ours)
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
});

test('images have exact tags, the same as the chart’s', () => {
  const others = Object.values(services)
    .map(({ image }) => image)
    .filter((image) => !image.includes('ODOMETER_IMAGE'));
  for (const image of others) expect(image).toMatch(/:\d+\.\d+(\.\d+)?(-alpine)?$/);
  const { postgres, valkey, mosquitto } = parse(read('helm/odometer/values.yaml')).bundled;
  for (const { image } of [postgres, valkey, mosquitto]) {
    expect(others).toContain(`${image.repository}:${image.tag}`);
  }
});

test('every file that compose mounts is there, and no other', () => {
  const mounted = [...text.matchAll(/\.\/(compose\/[\w.]+):/g)].map(([, path]) => path);
  expect(mounted.sort()).toEqual(
    readdirSync(join(REPOSITORY, 'docker/compose'))
      .map((file) => `compose/${file}`)
      .sort(),
  );
});
