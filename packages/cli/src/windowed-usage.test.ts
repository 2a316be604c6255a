import { expect, test } from '@jest/globals';
import { usageTable } from './windowed-usage.ts';

test('usage without a dimension and usage with an empty one are told apart', () => {
  const row = (model: string | null) => ({
    value: '5',
    startMs: Date.UTC(2026, 9, 1),
    endMs: Date.UTC(2026, 9, 2),
    subject: null,
    organization: null,
    groupBy: { model },
  });
  const usage = [{ slug: 'tokens', rows: [row(null), row(''), row('a')] }];
  const lines = usageTable(usage, { groupBy: ['model'] }).split('\n');
  const ends = lines.slice(1).map((line) => line.split('00:00:00Z')[2]?.trim().split(/ +/));
  expect(ends).toEqual([['(none)', '5'], ['5'], ['a', '5']]);
});
