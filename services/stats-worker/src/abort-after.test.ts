import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { abortAfter } from './abort-after.ts';

const never = new AbortController().signal;
const aborted = (signal: AbortSignal) =>
  new Promise<unknown>((resolve) => {
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });

test('the time ends, though garbage is collected meanwhile', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const ended = aborted(abortAfter(200, never));
  // What nothing refers to is collected in a later turn of the loop.
  for (let turn = 0; turn < 3; turn += 1) {
    await sleep(10);
    collectGarbage();
  }
  await expect(ended).resolves.toMatchObject({ name: 'TimeoutError' });
});

test('the other signal ends it at once, with its reason', () => {
  const controller = new AbortController();
  const signal = abortAfter(60_000, controller.signal);
  expect(signal.aborted).toBe(false);
  controller.abort('stop');
  expect(signal.reason).toBe('stop');
  expect(abortAfter(60_000, controller.signal).reason).toBe('stop');
});
