import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { findProgram } from '@odometer/local-stack/find-program';
import { awaitReady, type ServerProcess, spawnServer } from '@odometer/local-stack/server-process';
import { freePort } from '@odometer/local-stack/tcp-port';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import { Redis } from 'ioredis';
import { connect, type IClientOptions } from 'mqtt';
import { containersOf, podTemplateOf } from '../harness/kubernetes-object.ts';
import { find, ofKind, refusalOf, renderFile, valuesFile } from '../harness/rendered-chart.ts';

const bundled = (values = {}) => renderFile('ci/bundled', { values });
const podOf = (name: string, values = {}) => {
  const template = podTemplateOf(find(bundled(values), 'StatefulSet', name));
  if (template === undefined) throw new Error(`${name} has no pods`);
  return template;
};
const PASSWORD = 'pA55w0rd';

const servers: ServerProcess[] = [];
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
});

/** Starts the program a pod would, on this machine; returns when it answers. */
async function start(
  name: string,
  command: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv,
  answers: () => Promise<void>,
): Promise<ServerProcess> {
  const logFile = join(temporaryDirectory(name), 'log');
  const server = await spawnServer({ name, command, env, logFile });
  servers.push(server);
  await awaitReady(server, answers, logFile, 20_000);
  return server;
}

/** What Redis says to a command of somebody who has not given a password. */
async function answerTo(port: number, command: string): Promise<string> {
  const socket = connectSocket(port, '127.0.0.1');
  try {
    socket.write(`${command}\r\n`);
    const [answer] = await once(socket, 'data');
    return String(answer);
  } finally {
    socket.destroy();
  }
}

/** The configuration of the ConfigMap with this machine's places in place of the container's. */
function configuration(
  name: string,
  file: string,
  places: Readonly<Record<string, string>>,
): string {
  let text = find(bundled(), 'ConfigMap', name).data?.[file] ?? '';
  for (const [theirs, ours] of Object.entries(places)) {
    expect(text).toContain(theirs);
    text = text.replaceAll(theirs, ours);
  }
  return text;
}

describe('by default', () => {
  test('nothing is bundled', () => {
    expect(
      ofKind(renderFile('ci/minimal'), 'StatefulSet').map(({ metadata }) => metadata.name),
    ).toEqual(['odometer-mqtt-counter']);
    expect(ofKind(renderFile('ci/minimal'), 'Secret')).toEqual([]);
  });
});

describe('every bundled store', () => {
  test('is one pod whose volume is kept, whatever happens to the release', () => {
    for (const name of ['odometer-postgres', 'odometer-valkey', 'odometer-mosquitto']) {
      const { spec } = find(bundled(), 'StatefulSet', name);
      expect(spec?.replicas).toBe(1);
      expect(spec?.persistentVolumeClaimRetentionPolicy).toEqual({
        whenDeleted: 'Retain',
        whenScaled: 'Retain',
      });
      expect(spec?.volumeClaimTemplates?.map(({ metadata }) => metadata.name)).toEqual(['data']);
      expect(find(bundled(), 'Service', name).spec?.type).toBe('ClusterIP');
    }
  });

  test('takes another user, or none, as OpenShift wants it', () => {
    const podSecurityContext = { runAsUser: null, runAsGroup: null, fsGroup: 1234 };
    for (const name of ['odometer-postgres', 'odometer-valkey', 'odometer-mosquitto']) {
      expect(podOf(name, { bundled: { podSecurityContext } }).spec.securityContext).toEqual({
        runAsNonRoot: true,
        fsGroup: 1234,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      });
    }
  });

  test('does not start again for a new version of Odometer', () => {
    const pods = (tag: string) =>
      ['odometer-postgres', 'odometer-valkey', 'odometer-mosquitto'].map((name) =>
        JSON.stringify(podOf(name, { image: { tag } })),
      );
    expect(pods('9.9.9')).toEqual(pods('9.9.8'));
  });

  test('has a generated password, kept on upgrade and on uninstall; or one of yours', () => {
    const secret = find(bundled(), 'Secret', 'odometer-bundled');
    expect(Object.keys(secret.data ?? {})).toEqual([
      'mqtt-password',
      'postgres-password',
      'valkey-password',
    ]);
    for (const value of Object.values(secret.data ?? {})) {
      expect(Buffer.from(value, 'base64').toString()).toMatch(/^[A-Za-z0-9]{32}$/);
    }
    expect(secret.metadata.annotations?.['helm.sh/resource-policy']).toBe('keep');
    const own = bundled({ bundled: { existingSecret: 'mine' } });
    expect(ofKind(own, 'Secret')).toEqual([]);
    expect(JSON.stringify(own)).not.toContain('odometer-bundled');
  });

  test('writes no password where others read it', () => {
    for (const object of bundled()) {
      const template = podTemplateOf(object);
      for (const { command = [], args = [] } of template === undefined
        ? []
        : containersOf(template)) {
        // In a script it may become a line of a file; of a command it would be an argument.
        const words = [...command, ...args].filter((word) => !word.includes('\n'));
        expect(words.join(' ')).not.toMatch(/\$\(|PASSWORD|AUTH/);
      }
    }
  });
});

describe('Postgres', () => {
  test('keeps its files on its volume, where version 18 has them', () => {
    const [container] = podOf('odometer-postgres').spec.containers;
    expect(container?.image).toMatch(/postgres:18\./);
    expect(container?.env).toContainEqual({
      name: 'PGDATA',
      value: '/var/lib/postgresql/18/docker',
    });
    expect(container?.volumeMounts).toContainEqual({
      name: 'data',
      mountPath: '/var/lib/postgresql',
    });
  });

  test('refuses another major version, which could not read its files', () => {
    const said = refusalOf({
      files: [valuesFile('ci/bundled').path],
      values: { bundled: { postgres: { image: { tag: '19.0' } } } },
    });
    expect(said).toContain('The bundled Postgres is version 18');
    expect(said).toContain('dump the database');
  });
});

describe('Valkey', () => {
  test('starts with its configuration, durable as services demand, and asks for its password', async () => {
    const [directory, port] = [temporaryDirectory('valkey'), await freePort()];
    const script = podOf('odometer-valkey').spec.containers[0]?.command?.[2] ?? '';
    writeFileSync(
      join(directory, 'valkey.conf'),
      configuration('odometer-valkey', 'valkey.conf', {
        'dir /data': `dir ${directory}\nport ${port}\nbind 127.0.0.1`,
        '/tmp/password.conf': join(directory, 'password.conf'),
      }),
    );
    const ours = script
      .replace('/tmp/password.conf', join(directory, 'password.conf'))
      .replace('valkey-server /etc/valkey', `${findProgram('redis-server')} ${directory}`);
    const redis = new Redis({
      port,
      password: PASSWORD,
      lazyConnect: true,
      retryStrategy: () => null,
    });
    redis.on('error', () => {});
    try {
      await start(
        'valkey',
        ['/bin/sh', '-ec', ours],
        { ...process.env, REDISCLI_AUTH: PASSWORD },
        async () => {
          if (redis.status !== 'ready') await redis.connect();
        },
      );
      const setting = async (name: string) => (await redis.config('GET', name))[1];
      expect(await setting('appendonly')).toBe('yes');
      expect(await setting('appendfsync')).toBe('always');
      expect(await setting('maxmemory-policy')).toBe('noeviction');
      expect(await setting('save')).toBe('');
      // 60 % of 512 MiB.
      expect(await setting('maxmemory')).toBe(String(307 * 1_048_576));
      expect(await answerTo(port, 'PING')).toMatch(/^-NOAUTH /);
    } finally {
      redis.disconnect();
    }
  });
});

describe('Mosquitto', () => {
  test('starts with its configuration, keeps sessions, and takes nobody without the password', async () => {
    const [directory, port] = [temporaryDirectory('mosquitto'), await freePort()];
    const passwords = join(directory, 'passwords');
    const [hashing] = podOf('odometer-mosquitto').spec.initContainers ?? [];
    const script = (hashing?.command?.[2] ?? '')
      .replaceAll('/mosquitto/auth/passwords', passwords)
      .replace('mosquitto_passwd', findProgram('mosquitto_passwd'));
    execFileSync('/bin/sh', ['-ec', script], { env: { ...process.env, PASSWORD } });
    const file = join(directory, 'mosquitto.conf');
    const text = configuration('odometer-mosquitto', 'mosquitto.conf', {
      'listener 1883': `listener ${port} 127.0.0.1`,
      '/mosquitto/auth/passwords': passwords,
      '/mosquitto/data/': `${directory}/`,
    });
    writeFileSync(file, process.geteuid?.() === 0 ? `${text}\nuser root\n` : text);

    const visit = async (options: IClientOptions) => {
      const client = connect(`mqtt://127.0.0.1:${port}`, {
        protocolVersion: 5,
        clientId: 'counter',
        clean: false,
        properties: { sessionExpiryInterval: 60 },
        reconnectPeriod: 0,
        ...options,
      });
      try {
        return await new Promise<boolean>((resolve, reject) => {
          client.once('connect', ({ sessionPresent }) => resolve(sessionPresent));
          client.once('error', reject);
        });
      } finally {
        client.end(true);
      }
    };
    const known = { username: 'odometer', password: PASSWORD };
    await start('mosquitto', [findProgram('mosquitto'), '-c', file], process.env, async () => {
      await visit(known);
    });
    expect(await visit(known)).toBe(true);
    await expect(visit({ ...known, password: 'another' })).rejects.toThrow(/Not authorized/i);
    await expect(visit({})).rejects.toThrow(/Not authorized/i);
    expect(readFileSync(passwords, 'utf8')).not.toContain(PASSWORD);
  });

  test('has the window and the queue that a counter needs', () => {
    const text = find(bundled(), 'ConfigMap', 'odometer-mosquitto').data?.['mosquitto.conf'] ?? '';
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'allow_anonymous false',
        'persistence true',
        'max_inflight_messages 20000',
        'max_queued_messages 10000000',
        'upgrade_outgoing_qos true',
        // Half of 256 MiB.
        `max_queued_bytes ${128 * 1_048_576}`,
      ]),
    );
  });
});
