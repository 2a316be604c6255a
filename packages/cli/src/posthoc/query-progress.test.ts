import { expect, test } from '@jest/globals';
import { queryProgress } from './query-progress.ts';

const metric = { timeoutSeconds: 2_100 };

test('changes each minute until the time of a query is over, so that it is waited for as long', () => {
  const after = (minutes: number) =>
    queryProgress(metric, { executionId: 'x', runningMs: minutes * 60_000 + 1 });
  expect(after(0)).toBe(', its query runs for 0 min');
  expect(after(34)).toBe(', its query runs for 34 min');
  expect(after(60)).toBe(after(36));
});

test('says nothing of what runs nowhere else', () => {
  expect(queryProgress(metric, undefined)).toBe('');
  expect(queryProgress(metric, { executionId: null, runningMs: 60_000 })).toBe('');
});
