import { expect, test } from '@jest/globals';
import { inParallel } from './in-parallel.ts';

const never = new AbortController().signal;

test('results are in the order of the items, and no more are under way than allowed', async () => {
  let underWay = 0;
  let most = 0;
  const results = await inParallel([3, 1, 2, 0], 2, never, async (item) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise((resolve) => setTimeout(resolve, item));
    underWay -= 1;
    return item * 10;
  });
  expect(results).toEqual([30, 10, 20, 0]);
  expect(most).toBe(2);
});

test('the first failure stops the others, and is thrown when none is under way', async () => {
  const failure = new Error('first');
  let underWay = 0;
  let begun = 0;
  const work = inParallel([1, 2, 3, 4], 2, never, async (item, signal) => {
    begun += 1;
    underWay += 1;
    try {
      if (item === 1) throw failure;
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')));
      });
    } finally {
      underWay -= 1;
    }
  });
  await expect(work).rejects.toBe(failure);
  expect({ begun, underWay }).toEqual({ begun: 2, underWay: 0 });
});

test('nothing begins after the signal', async () => {
  const reason = new Error('over');
  await expect(inParallel([1], 1, AbortSignal.abort(reason), async () => 1)).rejects.toBe(reason);
});
