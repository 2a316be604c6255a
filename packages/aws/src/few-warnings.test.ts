import { expect, test } from '@jest/globals';
import { FewWarnings } from './few-warnings.ts';

test('the first of each event is logged, then one a minute with the number of those left out', () => {
  const logged: object[] = [];
  const warnings = new FewWarnings({ warn: (fields) => logged.push(fields) });
  for (let second = 0; second <= 120; second++) {
    warnings.warn('receive_failed', { second }, second * 1_000);
    if (second === 30) warnings.warn('delete_failed', { second }, second * 1_000);
  }
  expect(logged).toEqual([
    { event: 'receive_failed', second: 0, leftOut: 0 },
    { event: 'delete_failed', second: 30, leftOut: 0 },
    { event: 'receive_failed', second: 60, leftOut: 59 },
    { event: 'receive_failed', second: 120, leftOut: 59 },
  ]);
});
