import { expect, test } from '@jest/globals';
import { logSourceSchema, pathsOfWindow } from './log-source.ts';

const hour = (path: string, lateHours: number, at = '2026-12-31T23:00:00Z') =>
  pathsOfWindow({ path, lateHours }, Date.parse(at), Date.parse(at) + 3_600_000);

test('the paths of a window are those of its days, and of the day on which what is late is delivered', () => {
  expect(hour('alb/{yyyy}/{MM}/{dd}/*.log.gz', 24)).toEqual([
    'alb/2026/12/31/*.log.gz',
    'alb/2027/01/01/*.log.gz',
  ]);
  expect(hour('{yyyy}{MM}{dd}{HH}.log', 2)).toEqual([
    '2026123123.log',
    '2027010100.log',
    '2027010101.log',
  ]);
  expect(hour('alb/*.log', 24)).toEqual(['alb/*.log']);
});

const format = { type: 'delimited', columns: ['a'] };
test.each(['/etc/passwd', '../x', 'a/../b', './a', 'a//b', 'a/{day}', 'a/[b]', "a'b", 'a\\b', ''])(
  'the path %j is refused',
  (path) => {
    expect(logSourceSchema.safeParse({ type: 'directory', path, format }).success).toBe(false);
  },
);

test.each([
  [{ bucket: 'logs' }, true],
  [{ bucket: 'logs', endpoint: 'https://store.example.com', forcePathStyle: true }, true],
  [{ bucket: 'logs', endpoint: 'https://user:secret@store.example.com' }, false],
  [{ bucket: '' }, false],
  [{}, false],
  [{ bucket: 'logs', path: '/a' }, false],
])('the source in S3 %j: %s', (change, isGood) => {
  const source = { type: 's3', path: 'alb/*.log.gz', format, ...change };
  expect(logSourceSchema.safeParse(source).success).toBe(isGood);
});
