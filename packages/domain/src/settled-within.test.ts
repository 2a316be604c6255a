import { expect, test } from '@jest/globals';
import { settledWithin } from './settled-within.ts';

test('says whether work has ended in time', async () => {
  expect(await settledWithin(Promise.resolve(), 60_000)).toBe(true);
  expect(await settledWithin(new Promise(() => {}), 5)).toBe(false);
});

test('fails as the work fails, and not once it is late', async () => {
  await expect(settledWithin(Promise.reject(new Error('no')), 60_000)).rejects.toThrow('no');
  let fail: (error: Error) => void = () => {};
  const work = new Promise((_, reject) => {
    fail = reject;
  });
  expect(await settledWithin(work, 5)).toBe(false);
  fail(new Error('too late to matter'));
  await expect(work).rejects.toThrow();
});
