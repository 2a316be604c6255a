import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PidFiles } from './pid-files.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'odometer-pids-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a recorded process is found until it ends, and its file holds the number alone', async () => {
  const pids = new PidFiles(directory);
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  pids.record('sleeper', child.pid ?? -1);
  expect(readFileSync(join(directory, 'sleeper.pid'), 'utf8')).toBe(`${child.pid}\n`);
  expect(pids.allRunning()).toEqual([{ name: 'sleeper', pid: child.pid }]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(pids.running('sleeper')).toBeUndefined();
});

test('a process that was given the number of an ended one is not ours', () => {
  const pids = new PidFiles(directory);
  pids.record('earlier', process.pid);
  const path = join(directory, 'earlier.birth');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/\d+\n$/, '1\n'));
  expect(pids.running('earlier')).toBeUndefined();
  expect(pids.allRunning()).toEqual([]);
});

test('a name that only one may have is refused while its holder lives, and free when it has ended', async () => {
  const pids = new PidFiles(directory);
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  pids.record('command', child.pid ?? -1);
  expect(pids.claim('command')).toEqual({ name: 'command', pid: child.pid });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(pids.claim('command')).toBeUndefined();
  expect(pids.running('command')).toEqual({ name: 'command', pid: process.pid });
  pids.forget('command');
  expect(readdirSync(directory)).toEqual([]);
});
