import { expect, test } from '@jest/globals';
import { GroupCommit } from './group-commit.ts';

function recorder(options: {
  maxWeight: number;
  maxConcurrentGroups: number;
  restMs?: () => number;
}) {
  const groups: { items: readonly number[]; finish: (error?: Error) => void }[] = [];
  const commit = new GroupCommit<number>({
    restMs: () => 0,
    ...options,
    weight: (item) => item,
    isItemsFault: (error) => error instanceof RangeError,
    apply: (items) =>
      new Promise((resolve, reject) => {
        groups.push({ items, finish: (error) => (error ? reject(error) : resolve()) });
      }),
  });
  return { groups, commit };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what arrives while a group runs becomes the next group', async () => {
  const { groups, commit } = recorder({ maxWeight: 100, maxConcurrentGroups: 1 });
  const first = commit.submit(1);
  await turn();
  const rest = Promise.all([commit.submit(2), commit.submit(3)]);
  await turn();
  expect(groups.map(({ items }) => items)).toEqual([[1]]);
  groups[0]?.finish();
  await first;
  await turn();
  expect(groups.map(({ items }) => items)).toEqual([[1], [2, 3]]);
  groups[1]?.finish();
  await rest;
});

test('a group stays within its weight, and an item heavier than that goes alone', async () => {
  const { groups, commit } = recorder({ maxWeight: 10, maxConcurrentGroups: 9 });
  const all = Promise.all([6, 4, 1, 50, 2].map((item) => commit.submit(item)));
  await turn();
  expect(groups.map(({ items }) => items)).toEqual([[6, 4], [1], [50], [2]]);
  for (const group of groups) group.finish();
  await all;
});

test('a failing group rejects its own items and no other', async () => {
  const { groups, commit } = recorder({ maxWeight: 1, maxConcurrentGroups: 2 });
  const outcomes = Promise.allSettled([commit.submit(1), commit.submit(1)]);
  await turn();
  groups[0]?.finish(new Error('no'));
  groups[1]?.finish();
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});

test('a group that fails through one item is applied item by item, and only that one fails', async () => {
  const applied: (readonly number[])[] = [];
  const commit = new GroupCommit<number>({
    maxWeight: 100,
    maxConcurrentGroups: 1,
    weight: () => 1,
    restMs: () => 0,
    isItemsFault: (error) => error instanceof RangeError,
    apply: async (items) => {
      if (items.includes(2)) throw new RangeError('two');
      applied.push(items);
    },
  });
  const outcomes = await Promise.allSettled([1, 2, 3].map((item) => commit.submit(item)));
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(applied).toEqual([[1], [3]]);
});

test('after a group it rests and gathers, but not while a whole group waits', async () => {
  const restMs = () => 500;
  const { groups, commit } = recorder({ maxWeight: 10, maxConcurrentGroups: 1, restMs });
  const first = commit.submit(1);
  await turn();
  const whole = Promise.all([commit.submit(4), commit.submit(6)]);
  groups[0]?.finish();
  await first;
  await turn();
  expect(groups.map(({ items }) => items)).toEqual([[1], [4, 6]]);
  void commit.submit(2);
  groups[1]?.finish();
  await whole;
  await turn();
  expect(groups).toHaveLength(2);
});
