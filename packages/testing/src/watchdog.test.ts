import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { eventually } from './eventually.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { WATCHDOG_SCRIPT } from './watchdog.ts';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('kills what is still watched, and only that, when its pipe closes', async () => {
  const directory = temporaryDirectory('watchdog');
  const sleepers = [1, 2, 3].map(() => spawn('sleep', ['60'], { stdio: 'ignore' }));
  const [first, released, last] = sleepers.map(({ pid }) => pid ?? -1) as [number, number, number];
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG_SCRIPT], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  for (const pid of [first, released, last]) watchdog.stdin.write(`watch ${pid}\n`);
  watchdog.stdin.write(`release ${released}\nremove ${directory}\n`);
  watchdog.stdin.end();
  await eventually(() => !isAlive(first) && !isAlive(last) && !existsSync(directory));
  expect(isAlive(released)).toBe(true);
  sleepers[1]?.kill('SIGKILL');
});
