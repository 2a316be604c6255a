import { expect, test } from '@jest/globals';
import { eventually } from './eventually.ts';

test('returns what the check returns once it holds', async () => {
  let calls = 0;
  expect(await eventually(() => ++calls >= 3 && calls)).toBe(3);
});

test('fails with the last error of the check when the deadline passes', async () => {
  await expect(
    eventually(
      () => {
        throw new Error('still wrong');
      },
      { deadlineMs: 60 },
    ),
  ).rejects.toThrow('still wrong');
});
