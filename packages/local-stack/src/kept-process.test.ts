import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { KeptProcess } from './kept-process.ts';
import { processBirth } from './process-identity.ts';
import { type ServerProcess, spawnServer } from './server-process.ts';

const directory = mkdtempSync(join(tmpdir(), 'odometer-kept-'));
afterAll(() => rmSync(directory, { recursive: true }));

const silent = { onSpawn: () => {}, onExit: () => {}, onStartFailed: () => {} };

async function sleeper(onSpawn: (server: ServerProcess) => void): Promise<ServerProcess> {
  const server = await spawnServer({
    name: 'sleeper',
    command: ['sleep', '60'],
    logFile: join(directory, 'sleeper.log'),
  });
  onSpawn(server);
  return server;
}

test('what is killed is started again, and stays away once stopped', async () => {
  const spawned: ServerProcess[] = [];
  let told: () => void = () => {};
  const nextSpawn = () =>
    new Promise<void>((resolve) => {
      told = resolve;
    });
  const kept = new KeptProcess(
    { name: 'sleeper', start: sleeper },
    {
      ...silent,
      onSpawn: (server) => {
        spawned.push(server);
        told();
      },
    },
  );
  await kept.start();
  const again = nextSpawn();
  spawned[0]?.signal('SIGKILL');
  await again;
  expect(spawned).toHaveLength(2);
  await kept.stop();
  await kept.stop();
  expect(spawned.map(({ pid }) => processBirth(pid))).toEqual([undefined, undefined]);
});

test('a start that fails after a death is tried again', async () => {
  let starts = 0;
  const failures: unknown[] = [];
  const kept = new KeptProcess(
    {
      name: 'sleeper',
      start: (onSpawn) => {
        starts++;
        return starts === 2 ? Promise.reject(new Error('port taken')) : sleeper(onSpawn);
      },
    },
    {
      onSpawn: (server) => {
        if (starts === 1) server.signal('SIGKILL');
        else recovered();
      },
      onExit: () => {},
      onStartFailed: (error) => failures.push(error),
    },
  );
  let recovered: () => void = () => {};
  const back = new Promise<void>((resolve) => {
    recovered = resolve;
  });
  await kept.start();
  await back;
  expect(starts).toBe(3);
  expect(failures).toHaveLength(1);
  await kept.stop();
});

test('a first start that fails is its caller’s', async () => {
  const kept = new KeptProcess(
    { name: 'sleeper', start: () => Promise.reject(new Error('no disk')) },
    silent,
  );
  await expect(kept.start()).rejects.toThrow('no disk');
  await kept.stop();
});
