import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '@odometer/local-stack/find-program';
import { awaitReady, type ServerProcess, spawnServer } from '@odometer/local-stack/server-process';
import { StackError } from '@odometer/local-stack/stack-error';
import { TestServer } from './test-server.ts';

export interface TestRegistryOptions {
  /** Where it sends its notifications, and what with; nowhere by default. */
  readonly notifications?: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
  };
  /** A line of htpasswd; without it everybody may do everything. */
  readonly htpasswd?: string;
}

interface RegistryServer extends ServerProcess {
  readonly url: string;
}

const READY_DEADLINE_MS = 20_000;

/** A registry of images (Docker's distribution) of this test file's own. Call `stop()` in `afterAll`. */
export function startTestRegistry(
  options: TestRegistryOptions = {},
): Promise<TestServer<RegistryServer>> {
  return TestServer.launch('docker-registry', async ({ directory, port, logFile }) => {
    const configuration = join(directory, 'config.yml');
    // JSON is YAML.
    writeFileSync(configuration, JSON.stringify(configurationOf(options, directory, port)));
    if (options.htpasswd !== undefined)
      writeFileSync(join(directory, 'htpasswd'), options.htpasswd);
    const server = await spawnServer({
      name: 'docker-registry',
      command: [registryProgram(), 'serve', configuration],
      // Nothing of a developer's REGISTRY_… variables decides a test.
      env: { PATH: process.env.PATH },
      logFile,
    });
    const url = `http://127.0.0.1:${port}`;
    const probe = async () => {
      const { status } = await fetch(`${url}/v2/`);
      if (status !== 200 && status !== 401) throw new Error(`/v2/ answers ${status}`);
    };
    await awaitReady(server, probe, logFile, READY_DEADLINE_MS);
    return { ...server, url };
  });
}

function registryProgram(): string {
  try {
    return findProgram('docker-registry');
  } catch {
    throw new StackError(
      'docker-registry is not installed, and tests of registries need it: on Debian and Ubuntu "make test" installs it; elsewhere build `registry` of github.com/distribution/distribution and put it on the PATH as docker-registry',
    );
  }
}

function configurationOf(
  { notifications, htpasswd }: TestRegistryOptions,
  directory: string,
  port: number,
): object {
  return {
    version: '0.1',
    log: { level: 'warn' },
    storage: {
      filesystem: { rootdirectory: join(directory, 'images') },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: `127.0.0.1:${port}` },
    ...(htpasswd === undefined
      ? {}
      : { auth: { htpasswd: { realm: 'test', path: join(directory, 'htpasswd') } } }),
    ...(notifications === undefined
      ? {}
      : {
          notifications: {
            endpoints: [
              {
                name: 'odometer',
                url: notifications.url,
                headers: Object.fromEntries(
                  Object.entries(notifications.headers).map(([name, value]) => [name, [value]]),
                ),
                timeout: '5s',
                threshold: 3,
                backoff: '200ms',
              },
            ],
          },
        }),
  };
}
