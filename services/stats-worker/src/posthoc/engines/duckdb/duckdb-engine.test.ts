import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
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
  const { sql = DECLARATION.sql, ...others } = change;
  const parsed = posthocDeclarationSchema.parse({ ...DECLARATION, ...others, source });
  // Also what no declaration may have.
  const metric = { ...parsed, sql };
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

  test('none at all are an answer without rows, as long as the directory of them is there', async () => {
    await expect(ask()).rejects.toMatchObject({
      code: 'target_unavailable',
      message: expect.stringContaining(join(directory, 'alb')),
    });
    mkdirSync(join(directory, 'alb'));
    const nothing = { rows: [], unmatchedLines: 0n, scannedBytes: 0n, logFiles: 0 };
    expect(await ask()).toMatchObject(nothing);
  });

  test('in a directory that cannot be read are no answer', async () => {
    write(`${DAY}/a.log`, [line('01')]);
    symlinkSync('16', join(directory, 'alb/2026/08/16'));
    await expect(ask()).rejects.toMatchObject({
      code: 'target_unavailable',
      message: expect.stringContaining(`${directory}/alb/2026/08/16`),
    });
  });

  test('are those that the path says, in whatever directories', async () => {
    write('alb/2026/08/15/x/y/a.log', [line('01', 'a')]);
    write('alb/2026/08/15/z.log', [line('01', 'z')]);
    write('other/2026/08/15/b.log', [line('01', 'b')]);
    symlinkSync(join(directory, 'other'), join(directory, 'linked'));
    const read = async (path: string) =>
      (await ask({ sql: `${REQUESTS} order by 1`, source: { path } })).rows.flat().join(' ');
    expect(await read('alb/{yyyy}/{MM}/{dd}/**/*.log')).toBe('a 1 z 1');
    expect(await read('alb/{yyyy}/{MM}/{dd}/**')).toBe('a 1 z 1');
    expect(await read('alb/{yyyy}/{MM}/{dd}/*/?/a.log')).toBe('a 1');
    expect(await read('**/*.log')).toBe('a 1 b 1 z 1');
    expect(await read('*/{yyyy}/{MM}/{dd}/?.log')).toBe('b 2 z 1');
  });

  test('are read by their names, also where these look like patterns, or like columns', async () => {
    write(`${DAY}/access[1].log`, [line('01'), line('02')]);
    write(`${DAY}/access1.log`, [line('03')]);
    write(`${DAY}/what?*.log.gz`, [line('04')]);
    write('alb/2026/08/16/time=x/a.log', [line('05')]);
    const answer = await ask({ source: { path: 'alb/{yyyy}/{MM}/{dd}/**/*.log*' } });
    expect(answer).toMatchObject({ rows: [['web', '5']], logFiles: 4 });
  });

  test('that are broken are named as they are called where they lie', async () => {
    write(`${DAY}/a.log`, [line('01')]);
    writeFileSync(join(directory, DAY, 'broken.log.gz'), 'no gzip');
    await expect(ask()).rejects.toMatchObject({
      message: expect.stringContaining(join(directory, DAY, 'broken.log.gz')),
    });
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
