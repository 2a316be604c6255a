import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { withWorkDirectory } from './work-directory.ts';

test('is removed after its query, also when that fails', async () => {
  let directory = '';
  const failed = withWorkDirectory(async ({ logs }) => {
    directory = dirname(logs);
    writeFileSync(join(logs, 'a'), 'a');
    throw new Error('the query fails');
  });
  await expect(failed).rejects.toThrow('the query fails');
  expect(existsSync(directory)).toBe(false);
});

test('removes what a worker that was killed has left, and not what another one is using', async () => {
  const [old, used] = ['old', 'used'].map((name) =>
    join(tmpdir(), `odometer-duckdb-test-${process.pid}-${name}`),
  );
  if (old === undefined || used === undefined) throw new Error('no directories');
  for (const path of [old, used]) mkdirSync(join(path, 'logs'), { recursive: true });
  const hourAgo = Date.now() / 1_000 - 3_600;
  utimesSync(old, hourAgo, hourAgo);
  await withWorkDirectory(async () => {
    expect([existsSync(old), existsSync(used)]).toEqual([false, true]);
  });
  utimesSync(used, hourAgo, hourAgo);
  await withWorkDirectory(async () => {});
  expect(existsSync(used)).toBe(false);
});
