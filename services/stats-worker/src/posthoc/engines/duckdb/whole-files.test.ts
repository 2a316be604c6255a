import {
  appendFileSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
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
import { findFiles } from './find-files.ts';
import { WholeGzip } from './whole-gzip.ts';

/** An answer is believed when the files that it was read from were whole, and stayed so. */

const START = Date.parse('2026-08-15T23:00:00Z');
const DAY = 'alb/2026/08/15';
const never = new AbortController().signal;
const metric = posthocDeclarationSchema.parse(DECLARATION);
const query = { metric, startMs: START, endMs: START + 3_600_000 };

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory('logs');
});

const create = () => createDuckDbEngine({ directory, limits: LIMITS, fetch: NO_BUCKETS });
const ask = (sql: string = REQUESTS) =>
  create().answer({ ...query, metric: { ...metric, sql } }, null, never);
const write = (path: string, lines: readonly string[]) => writeLog(directory, path, lines);
const find = (signal = never) => {
  const { source } = metric;
  if (source === undefined) throw new Error('it has a source');
  return findFiles(directory, source, query, temporaryDirectory('links'), signal);
};
const line = (second: string, project = 'web') =>
  albLine(`2026-08-15T23:00:${second}.000000Z`, project);

test('files that are compressed and cut off are no smaller ones: that they are is said, with their names', async () => {
  const lines = Array.from({ length: 5_000 }, (_, i) => line(String(10 + (i % 50)), `p${i % 7}`));
  write(`${DAY}/a.log.gz`, lines);
  const file = join(directory, DAY, 'a.log.gz');
  const whole = readFileSync(file);
  for (const sizeBytes of [whole.length - 1, whole.length - 8, whole.length >> 1, 12]) {
    writeFileSync(file, whole.subarray(0, sizeBytes));
    await expect(ask()).rejects.toMatchObject({
      code: 'target_invalid',
      message: expect.stringMatching(/alb\/2026\/08\/15\/a\.log\.gz.*cut off/),
    });
  }
  // Some tools fill up blocks; DuckDB would say that something is no gzip, and not what.
  writeFileSync(file, Buffer.concat([whole, Buffer.alloc(512)]));
  await expect(ask()).rejects.toThrow(/a\.log\.gz.*512 bytes after its end/);
  // Several of them in one file are one, as programs write that append.
  writeFileSync(file, Buffer.concat([whole, gzipSync(`${line('01', 'last')}\n`)]));
  expect((await ask('select count(*) as value from logs where :start < :end')).rows).toEqual([
    ['5001'],
  ]);
});

test('a file is decompressed once, as long as it is the same', async () => {
  write('a.log.gz', [line('01')]);
  const file = join(directory, 'a.log.gz');
  let identity = 'before';
  const files = {
    paths: [file],
    bytes: 1n,
    nameOf: () => 'its name',
    identityOf: () => identity,
    requireSame: async () => {},
  };
  const wholeGzip = new WholeGzip();
  await wholeGzip.require(files, never);
  truncateSync(file, 20);
  await wholeGzip.require(files, never);
  identity = 'after';
  await expect(wholeGzip.require(files, never)).rejects.toThrow('its name');
});

test('files are looked at again when they have changed, whatever their times say', async () => {
  write(`${DAY}/a.log.gz`, [line('01')]);
  const engine = create();
  const file = join(directory, DAY, 'a.log.gz');
  const at = new Date('2026-08-16T00:00:00Z');
  utimesSync(file, at, at);
  const again = () => engine.answer(query, null, never);
  expect((await again()).rows).toEqual([['web', '1']]);
  const whole = readFileSync(file);
  whole[whole.length - 8] = (whole[whole.length - 8] ?? 0) ^ 1;
  writeFileSync(file, whole);
  utimesSync(file, at, at);
  await expect(again()).rejects.toMatchObject({ code: 'target_invalid' });
});

test('one that is still being copied is no answer, in whatever order it is read and looked at', async () => {
  const lines = Array.from({ length: 1_000 }, () => line('01'));
  write(`${DAY}/a.log.gz`, lines);
  const file = join(directory, DAY, 'a.log.gz');
  const whole = readFileSync(file);
  writeFileSync(file, whole.subarray(0, -10));
  const found = await find();
  // The rest comes when DuckDB has read it, and before it is decompressed.
  appendFileSync(file, whole.subarray(-10));
  await new WholeGzip().require(found, never);
  await expect(found.requireSame(never)).rejects.toMatchObject({
    code: 'target_unavailable',
    message: expect.stringContaining(file),
  });
});

test('one that is cut off and longer by then is another one; one that has grown is the same', async () => {
  write(`${DAY}/a.log`, [line('01'), line('02')]);
  const file = join(directory, DAY, 'a.log');
  const found = await find();
  appendFileSync(file, line('03'));
  await found.requireSame(never);
  truncateSync(file, 0);
  appendFileSync(file, `${line('04')}\n${line('05')}\n${line('06')}\n`);
  await expect(found.requireSame(never)).rejects.toMatchObject({ code: 'target_unavailable' });
});

describe('between the listing of files and a look at them', () => {
  const path = (n: number) => join(directory, DAY, `z.log.${n}`);
  beforeEach(() => {
    for (const n of [1, 2, 3]) write(`${DAY}/z.log.${n}`, Array(n).fill(line('01')));
  });
  async function foundWhile(change: () => void) {
    let looks = 0;
    const signal = new AbortController().signal;
    // Asked before each of two directories is listed, and then before each file is looked at.
    signal.throwIfAborted = () => {
      looks += 1;
      if (looks === 3) change();
    };
    const { paths, nameOf } = await find(signal);
    return paths.map(nameOf);
  }

  test('they are rotated: all of them are found', async () => {
    const found = await foundWhile(() => {
      for (const n of [3, 2, 1]) renameSync(path(n), path(n + 1));
      write(`${DAY}/z.log.1`, [line('02')]);
    });
    expect(found).toEqual([1, 2, 3, 4].map(path));
  });

  test('one is removed, or gets another name: what is there then is found', async () => {
    expect(await foundWhile(() => renameSync(path(3), `${path(3)}.old`))).toEqual([
      path(1),
      path(2),
      `${path(3)}.old`,
    ]);
  });
});

test('one that leads nowhere is no file, and said', async () => {
  write(`${DAY}/a.log`, [line('01')]);
  const link = join(directory, DAY, 'b.log');
  symlinkSync('nowhere', link);
  await expect(find()).rejects.toMatchObject({
    code: 'target_unavailable',
    message: expect.stringContaining(link),
  });
});

test('files that are replaced while they are read are no answer, and that they were is said', async () => {
  write(`${DAY}/a.log`, [line('01')]);
  write(`${DAY}/b.log`, [line('02')]);
  const file = join(directory, DAY, 'a.log');
  const sink = (change: () => void) => ({
    begin: change,
    add: async () => {},
  });
  const engine = create();
  const answer = (change: () => void, sql: string = REQUESTS) =>
    engine.answer({ ...query, metric: { ...metric, sql } }, null, never, sink(change));
  const named = { code: 'target_unavailable', message: expect.stringContaining(file) };
  await expect(
    answer(() => {
      renameSync(file, `${file}.1`);
      writeFileSync(file, '');
    }),
  ).rejects.toMatchObject(named);
  write(`${DAY}/a.log`, [line('01')]);
  await expect(answer(() => rmSync(file))).rejects.toMatchObject(named);
  write(`${DAY}/a.log`, [line('01')]);
  await expect(answer(() => truncateSync(file, 10))).rejects.toMatchObject(named);
  // One that DuckDB has not opened yet.
  write(
    `${DAY}/a.log`,
    Array.from({ length: 20_000 }, () => line('01')),
  );
  const all = 'select request as project, 1 as value from logs where :start < :end';
  await expect(answer(() => rmSync(join(directory, DAY, 'b.log')), all)).rejects.toMatchObject({
    code: 'target_unavailable',
    message: expect.stringContaining(join(directory, DAY, 'b.log')),
  });
  // What is only appended comes with a later revision.
  write(`${DAY}/a.log`, [line('01')]);
  await answer(() => appendFileSync(file, `${line('03')}\n`));
});
