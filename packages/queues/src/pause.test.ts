import { expect, test } from '@jest/globals';
import { pause } from './pause.ts';

test('a pause ends early, and without an error, when it is aborted', async () => {
  const controller = new AbortController();
  const paused = pause(60_000, controller.signal);
  controller.abort();
  await expect(paused).resolves.toBeUndefined();
  await expect(pause(60_000, controller.signal)).resolves.toBeUndefined();
});
