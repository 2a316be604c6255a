import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { awaitReady, spawnServer } from './server-process.ts';
import { StackError } from './stack-error.ts';

const directory = mkdtempSync(join(tmpdir(), 'odometer-server-'));
afterAll(() => rmSync(directory, { recursive: true }));

const never = () => Promise.reject(new Error('refused'));

test('a server that ends before it is ready fails with the end of its log', async () => {
  const logFile = join(directory, 'broken.log');
  const server = await spawnServer({
    name: 'broken',
    command: ['sh', '-c', 'echo cannot read its configuration >&2; exit 3'],
    logFile,
  });
  await expect(awaitReady(server, never, logFile, 10_000)).rejects.toThrow(
    /broken ended with code 3 before it was ready.*cannot read its configuration/s,
  );
});

test('a full disk is named as such', async () => {
  const logFile = join(directory, 'full.log');
  const server = await spawnServer({
    name: 'full',
    command: ['sh', '-c', 'echo "write failed: No space left on device" >&2; exit 1'],
    logFile,
  });
  await expect(awaitReady(server, never, logFile, 10_000)).rejects.toThrow('The disk is full');
});

test('a server that never answers is stopped at the deadline', async () => {
  const logFile = join(directory, 'mute.log');
  const server = await spawnServer({ name: 'mute', command: ['sleep', '60'], logFile });
  await expect(awaitReady(server, never, logFile, 100)).rejects.toThrow(/not ready.*refused/);
  expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
});

test('a program that does not exist is one sentence', async () => {
  const spawned = spawnServer({
    name: 'absent',
    command: ['/nowhere/absent'],
    logFile: join(directory, 'absent.log'),
  });
  await expect(spawned).rejects.toThrow(StackError);
});
