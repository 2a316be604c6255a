import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, jest, test } from '@jest/globals';

/** Real processes: what exit codes and signals do cannot be seen from inside. */

// Starting Node takes seconds where every core is busy.
jest.setTimeout(30_000);

const loader = new URL('../test/typescript-loader.mjs', import.meta.url).href;
const program = fileURLToPath(new URL('../test/child.ts', import.meta.url));

interface Line {
  readonly event: string;
  readonly name?: string;
  readonly error?: { readonly message: string };
}

class Child {
  readonly process: ChildProcess;
  readonly lines: Line[] = [];
  readonly exited: Promise<number | null>;
  output = '';
  #onLine: () => void = () => undefined;

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.process = spawn(
      process.execPath,
      ['--conditions=odometer-source', '--import', loader, program, ...args],
      {
        env: {
          PATH: process.env.PATH,
          ODOMETER_ADMIN_HOST: '127.0.0.1',
          ODOMETER_ADMIN_PORT: '0',
          ...env,
        },
      },
    );
    this.exited = once(this.process, 'close').then(([code]) => {
      this.#onLine();
      return code;
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.output += `${line}\n`;
        if (line.startsWith('{')) this.lines.push(JSON.parse(line));
        this.#onLine();
      });
    }
  }

  async saw(event: string, name?: string): Promise<void> {
    while (!this.lines.some((line) => line.event === event && (!name || line.name === name))) {
      if (this.process.exitCode !== null) throw new Error(`no ${event} in:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
  }

  stopped(): readonly string[] {
    return this.lines.filter(({ event }) => event === 'stopped').map(({ name }) => name ?? '');
  }
}

let child: Child;
afterEach(async () => {
  child.process.kill('SIGKILL');
  await child.exited;
});

function start(scenario: string, env?: NodeJS.ProcessEnv): Child {
  child = new Child([scenario], env);
  return child;
}

describe('a service process', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'drains in order on %s and exits with 0',
    async (signal) => {
      start('clean');
      await child.saw('service_ready');
      child.process.kill(signal);
      expect(await child.exited).toBe(0);
      expect(child.stopped()).toEqual(['door', 'hands', 'ledger']);
    },
  );

  test('exits although somebody forgot a timer', async () => {
    start('forgotten-timer');
    await child.saw('service_ready');
    child.process.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  });

  test('exits with 1 when a stop hangs past the deadline, and says which', async () => {
    start('hang-stop', { ODOMETER_SHUTDOWN_DEADLINE_MS: '300' });
    await child.saw('service_ready');
    child.process.kill('SIGTERM');
    expect(await child.exited).toBe(1);
    expect(child.output).toContain('still stopping hands after 300 ms');
  });

  test('exits with 1 when a stop throws, after stopping everything else', async () => {
    start('throw-stop');
    await child.saw('service_ready');
    child.process.kill('SIGTERM');
    expect(await child.exited).toBe(1);
    expect(child.stopped()).toEqual(['door', 'hands', 'ledger']);
  });

  test('exits at once with 1 when SIGINT comes again while it drains', async () => {
    start('hang-stop');
    await child.saw('service_ready');
    child.process.kill('SIGINT');
    await child.saw('stopped', 'hands');
    // Pressed again until it works: what comes within half a second counts as the same Ctrl-C.
    const again = setInterval(() => child.process.kill('SIGINT'), 50);
    expect(await child.exited).toBe(1);
    clearInterval(again);
    await expect(child.saw('shutdown_abandoned')).resolves.toBeUndefined();
    expect(child.stopped()).not.toContain('ledger');
  });

  test('takes one Ctrl-C delivered twice, as npm does, for one', async () => {
    start('clean', { ODOMETER_SHUTDOWN_DELAY_MS: '100' });
    await child.saw('service_ready');
    child.process.kill('SIGINT');
    await child.saw('service_stopping');
    child.process.kill('SIGINT');
    expect(await child.exited).toBe(0);
  });

  test('exits with 1 when a start fails, and stops what was started', async () => {
    start('fail-start');
    expect(await child.exited).toBe(1);
    expect(child.output).toContain('hands did not start: no hands');
    expect(child.stopped()).toEqual(['ledger']);
  });

  test('obeys SIGTERM while a start still waits', async () => {
    start('slow-start');
    await child.saw('started', 'hands');
    child.process.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(child.stopped()).toEqual(['ledger']);
    expect(child.lines.some(({ name }) => name === 'door')).toBe(false);
  });

  test.each(['uncaught', 'unhandled'])(
    'logs an %s error, drains and exits with 1',
    async (scenario) => {
      start(scenario);
      expect(await child.exited).toBe(1);
      const fatal = child.lines.find(({ event }) => event === 'uncaught_exception');
      expect(fatal?.error?.message).toBe('out of nowhere');
      expect(child.stopped()).toEqual(['door', 'hands', 'ledger']);
    },
  );

  test('exits with 1 when run throws', async () => {
    start('throw-in-run');
    expect(await child.exited).toBe(1);
    expect(child.output).toContain('no wiring');
  });
});

describe('the configuration of a process', () => {
  test('is refused with all its problems and exit code 78', async () => {
    start('clean', { ODOMETER_ADMIN_PORT: 'http', ODOMETER_LOG_LEVELS: 'info' });
    expect(await child.exited).toBe(78);
    expect(child.output).toContain('ODOMETER_ADMIN_PORT is "http"');
    expect(child.output).toContain('did you mean ODOMETER_LOG_LEVEL?');
    expect(child.lines).toEqual([]);
  });

  test('is checked, and nothing started, by --validate', async () => {
    start('--validate');
    expect(await child.exited).toBe(0);
    expect(child.output).toBe('configuration is valid\n');
  });
});
