import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { temporaryDirectory } from '@odometer/testing/temporary-directory';
import {
  albLine,
  DECLARATION,
  LIMITS,
  NO_BUCKETS,
  REQUESTS,
  writeLog,
} from '../../../../test/posthoc-fixture.ts';
import { createDuckDbEngine } from './duckdb-engine.ts';

const START = Date.parse('2026-08-15T23:00:00Z');
const DAY = 'alb/2026/08/15';
const COUNTED = 'time::timestamp >= :start and time::timestamp < :end';
const never = new AbortController().signal;

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory('logs');
});

const write = (path: string, lines: readonly string[]) => writeLog(directory, path, lines);
const line = (second: string, project = 'web') =>
  albLine(`2026-08-15T23:00:${second}.000000Z`, project);

async function ask(
  change: {
    readonly sql?: string;
    readonly source?: object;
    readonly timeoutSeconds?: number;
  } = {},
  signal = never,
  limits = LIMITS,
) {
  const source = { ...DECLARATION.source, ...change.source };
  const metric = posthocDeclarationSchema.parse({ ...DECLARATION, ...change, source });
  const query = { metric, startMs: START, endMs: START + 3_600_000 };
  return createDuckDbEngine({ directory, limits, fetch: NO_BUCKETS }).answer(query, null, signal);
}

describe('files', () => {
  test('compressed or not, in several directories, of this window and delivered the next day', async () => {
    write(`${DAY}/a.log.gz`, [line('01'), line('59')]);
    write(`${DAY}/b.log`, [line('02', 'app')]);
    write('alb/2026/08/16/late.log.gz', [albLine('2026-08-15T23:59:59.900000Z', 'web')]);
    write('alb/2026/08/18/too-late.log.gz', [line('03')]);
    write('alb/2026/08/15/notes.txt', ['nothing']);
    const { rows, columns, scannedBytes } = await ask({ sql: `${REQUESTS} order by 1` });
    expect(rows).toEqual([
      ['app', '1'],
      ['web', '3'],
    ]);
    expect(columns).toEqual([
      { name: 'project', type: 'other' },
      { name: 'value', type: 'exact' },
    ]);
    expect(scannedBytes).toBeGreaterThan(0n);
  });

  test('none at all are an answer without rows', async () => {
    expect(await ask()).toMatchObject({ rows: [], unmatchedLines: 0n, scannedBytes: 0n });
  });

  test('that come twice count once when the query says so', async () => {
    for (const name of ['a.log.gz', 'b.log.gz']) write(`${DAY}/${name}`, [line('01'), line('02')]);
    expect((await ask()).rows).toEqual([['web', '4']]);
    const sql = REQUESTS.replace('from logs', 'from (select distinct * from logs)');
    expect((await ask({ sql })).rows).toEqual([['web', '2']]);
  });
});

describe('lines that cannot be read are counted, and their neighbours as well', () => {
  const garbage = ['', 'garbage', '"unbalanced', 'a \u0001 b'];

  test('of delimited logs: too short, no UTF-8; what a provider appends is ignored', async () => {
    write(`${DAY}/a.log.gz`, [line('01'), ...garbage.slice(0, 2), `${line('02')} and more`]);
    const file = join(directory, `${DAY}/b.log`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      Buffer.concat([
        Buffer.from(`${line('03')}\n`),
        Buffer.from(line('04').replace('GET', '\xff\xfe'), 'latin1'),
        Buffer.from(`\n${line('05')}`),
      ]),
    );
    expect(await ask()).toMatchObject({ rows: [['web', '4']], unmatchedLines: 2n });
  });

  test('of lines with a pattern, also when the query looks at some of them only', async () => {
    const format = {
      type: 'pattern',
      pattern: '^\\S+ (\\S+) .*"\\S+ https://[^/]+/([^/]+)/',
      columns: ['time', 'first'],
    };
    write(`${DAY}/a.log.gz`, [line('01'), ...garbage, line('02'), line('03')]);
    const sql = `select first as project, count(*) as value from logs
      where ${COUNTED} and time > '2026-08-15T23:00:03' group by 1`;
    expect(await ask({ sql, source: { format } })).toMatchObject({
      rows: [['web', '1']],
      unmatchedLines: 3n,
    });
  });
});

test('texts keep quotes, newlines, nulls and empty ones apart; numbers keep all their digits', async () => {
  write(`${DAY}/a.log.gz`, [line('01')]);
  const sql = `select * from (values ('it''s "x", y', 9007199254740993::hugeint * 1000000, 1.50::decimal(10, 2)),
    ('a\nb', 1, 2), ('', 1, 2), (null, 1, 2)) t (a, b, c), (select 1 from logs where ${COUNTED}) u (one)`;
  const { rows, columns } = await ask({ sql });
  expect(rows).toEqual([
    [`it's "x", y`, '9007199254740993000000', '1.50', '1'],
    ['a\nb', '1', '2.00', '1'],
    ['', '1', '2.00', '1'],
    [null, '1', '2.00', '1'],
  ]);
  expect(columns.map(({ type }) => type)).toEqual(['other', 'exact', 'exact', 'exact']);
  expect(
    (await ask({ sql: `select 1.5::double as x from logs where ${COUNTED}` })).columns,
  ).toEqual([{ name: 'x', type: 'inexact' }]);
});

test.each([0, 1, 999, 1_000, 2_500])('%i rows are %i rows', async (count) => {
  write(
    `${DAY}/a.log`,
    Array.from({ length: count }, (_, i) => line('01', `p${i}`)),
  );
  expect((await ask()).rows).toHaveLength(count);
});

describe('a query', () => {
  beforeEach(() => write(`${DAY}/a.log.gz`, [line('01')]));
  const where = `from logs where ${COUNTED}`;

  test.each([
    [
      'reads another file',
      `select content as project, 1 as value from read_text('/etc/hostname'), (select 1 ${where})`,
    ],
    ['writes a file', `copy (select 1 ${where}) to '/tmp/odometer-posthoc-test.csv'`],
    [
      'loads an extension',
      `select * from read_parquet('https://example.com/x'), (select 1 ${where})`,
    ],
    ['lifts its limits', `set memory_limit = (select '9GB' ${where})`],
    ['makes a table', `create table t as select 1 ${where}`],
  ])('that %s is refused', async (_what, sql) => {
    await expect(ask({ sql })).rejects.toMatchObject({ code: 'target_invalid' });
  });

  test('that is wrong says why', async () => {
    await expect(ask({ sql: `select nothing ${where}` })).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringContaining('"nothing" not found'),
    });
  });

  const endless = `select sum(hash(a.range) % 7) as value, 'web' as project
    from range(100000000000) a, (select 1 ${where})`;

  test('that takes too long is stopped', async () => {
    await expect(ask({ sql: endless, timeoutSeconds: 1 })).rejects.toMatchObject({
      message: expect.stringContaining('it takes more than 1 s'),
    });
  });

  test('is stopped with its worker, and that is no answer', async () => {
    const stop = new AbortController();
    const asked = ask({ sql: endless }, stop.signal);
    const reason = new Error('the worker stops');
    setTimeout(() => stop.abort(reason), 300);
    await expect(asked).rejects.toBe(reason);
  });

  test('that needs more memory than it may have fails, and the process lives', async () => {
    const sql = `select list(range) as project, 1 as value from range(200000000), (select 1 ${where}) group by range % 2`;
    const limits = { memoryBytes: 64 * 1_048_576, threads: 1 };
    await expect(ask({ sql }, never, limits)).rejects.toMatchObject({
      message: expect.stringMatching(/Out of Memory/i),
    });
  });
});

test('a worker without a directory of logs says so', async () => {
  const metric = posthocDeclarationSchema.parse(DECLARATION);
  const engine = createDuckDbEngine({ directory: undefined, limits: LIMITS, fetch: NO_BUCKETS });
  const query = { metric, startMs: START, endMs: START + 1 };
  await expect(engine.answer(query, null, never)).rejects.toMatchObject({
    message: expect.stringContaining('ODOMETER_POSTHOC_DIRECTORY'),
  });
});
