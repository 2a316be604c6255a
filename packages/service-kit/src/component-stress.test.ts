import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { adminServer } from './admin-server.ts';
import { type Component, component } from './component.ts';
import { stressComponent } from './component-stress.ts';
import { Probes } from './probes.ts';
import { progressWatchdog } from './progress-watchdog.ts';

const seed = Number(process.env.SEED ?? 20_260_101);

describe('the stress test passes', () => {
  test('a component made of two slow functions', async () => {
    let open = 0;
    await stressComponent(
      () =>
        component({
          name: 'slow',
          async start() {
            await sleep(2);
            open += 1;
          },
          async stop() {
            await sleep(1);
            open -= 1;
          },
        }),
      { seed, rounds: 100, isStopped: () => open === 0 },
    );
  });

  test('the admin server', async () => {
    await stressComponent(
      () =>
        adminServer({
          host: '127.0.0.1',
          port: 0,
          registry: new Registry(),
          liveness: new Probes(),
          readiness: new Probes(),
          log: pino({ level: 'silent' }),
        }),
      { seed },
    );
  });

  test('the progress watchdog', async () => {
    await stressComponent(
      () =>
        progressWatchdog({
          name: 'watchdog',
          work: async () => ({ waiting: 0 }),
          progress: () => 0,
          onStuck: () => undefined,
          intervalMs: 1,
        }),
      { seed },
    );
  });
});

describe('the stress test catches', () => {
  const broken = (parts: Partial<Component>): Component => ({
    name: 'broken',
    start: async () => undefined,
    stop: async () => undefined,
    ...parts,
  });

  test('a server that a stop during its start leaves listening', async () => {
    const servers: ReturnType<typeof createServer>[] = [];
    const make = () => {
      const server = createServer();
      servers.push(server);
      return broken({
        start: async () => {
          await sleep(1);
          if (!server.listening) server.listen(0, '127.0.0.1');
        },
        stop: async () => {
          if (server.listening) server.close();
        },
      });
    };
    const isStopped = async () => {
      await sleep(5);
      return servers.every(({ listening }) => !listening);
    };
    await expect(stressComponent(make, { seed, isStopped, patienceMs: 200 })).rejects.toThrow(
      'still runs',
    );
    for (const server of servers) server.close();
  });

  test('a second stop that throws', async () => {
    const make = () => {
      let stops = 0;
      return broken({
        stop: async () => {
          stops += 1;
          if (stops > 1) throw new Error('not running');
        },
      });
    };
    await expect(stressComponent(make, { seed })).rejects.toThrow(/rejects.*seed .*not running/);
  });

  test('a stop before the start that hangs', async () => {
    const make = () => {
      let started = false;
      return broken({
        start: async () => {
          started = true;
        },
        stop: () => (started ? Promise.resolve() : new Promise(() => undefined)),
      });
    };
    await expect(stressComponent(make, { seed, patienceMs: 100 })).rejects.toThrow('hangs');
  });
});
