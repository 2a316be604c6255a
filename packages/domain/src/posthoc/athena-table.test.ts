import { describe, expect, test } from '@jest/globals';
import { athenaTableSchema, partitionsOfWindow } from './athena-table.ts';

const table = { region: 'eu-central-1', workgroup: 'odometer', database: 'logs', table: 'alb' };
const problems = (change: object) =>
  athenaTableSchema
    .safeParse({ ...table, ...change })
    .error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`) ?? [];

describe('the partitions of a window', () => {
  const ranges = (formats: readonly string[], at: string, lateHours: number, hours = 1) =>
    partitionsOfWindow(
      { partitions: formats.map((format, i) => ({ column: `c${i}`, format })), lateHours },
      Date.parse(at),
      Date.parse(at) + hours * 3_600_000,
    );

  test('are its days, and the day on which what is late is delivered', () => {
    const at = '2026-12-31T23:00:00Z';
    expect(ranges(['yyyy/MM/dd'], at, 24)).toEqual([
      { equal: [], first: '2026/12/31', last: '2027/01/01' },
    ]);
    expect(ranges(['yyyy/MM/dd'], at, 0)).toEqual([
      { equal: [], first: '2026/12/31', last: '2026/12/31' },
    ]);
    expect(ranges(['yyyyMMdd', 'HH'], at, 2)).toEqual([
      { equal: ['20261231'], first: '23', last: '23' },
      { equal: ['20270101'], first: '00', last: '01' },
    ]);
    expect(ranges(['yyyy', 'MM', 'dd'], '2026-11-29T00:00:00Z', 24, 24)).toEqual([
      { equal: ['2026', '11'], first: '29', last: '30' },
    ]);
  });

  test('are all there are, when it has no columns for them', () => {
    expect(partitionsOfWindow({ lateHours: 24 }, 0, 1)).toEqual([]);
  });
});

test('a table with all that can be said of it is taken', () => {
  expect(
    problems({
      catalog: 'AwsDataCatalog',
      outputLocation: 's3://results/odometer/',
      roleArn: 'arn:aws:iam::123456789012:role/odometer',
      unmatchedWhen: 'type is null',
      partitions: [{ column: 'day', format: 'yyyy/MM/dd' }],
      maxScannedBytes: 10_000_000_000,
    }),
  ).toEqual([]);
});

test.each([
  [{ table: 'a"b' }, 'table should be letters, digits, _ and -'],
  [{ database: "x'" }, 'database should be letters, digits, _ and -'],
  [{ outputLocation: 'https://results/' }, 'outputLocation should be like s3://bucket/prefix/'],
  [
    { unmatchedWhen: 'at < :start' },
    'unmatchedWhen should be of the row alone, without :start and :end',
  ],
  [{ unmatchedWhen: 'true; drop table x' }, 'unmatchedWhen should be one statement'],
  [
    { partitions: [{ column: 'day', format: 'dd/MM/yyyy' }] },
    'partitions should be of the year first, then of the month, the day and the hour',
  ],
  [
    { partitions: [{ column: 'day', format: "yyyy'" }] },
    'partitions.0.format should be of yyyy, MM, dd and HH, with /, - or _ between them',
  ],
])('%j is refused', (change, problem) => {
  expect(problems(change)).toContain(problem);
});
