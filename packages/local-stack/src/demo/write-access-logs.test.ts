import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, expect, test } from '@jest/globals';
import { accessLog } from './access-log.ts';
import { writeAccessLogs } from './write-access-logs.ts';

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true });
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'odometer-access-logs-'));
  made.push(directory);
  return directory;
}

const at = (text: string) => Date.parse(`2026-10-${text}:00Z`);
const filesIn = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.gz') || file.endsWith('.part'))
    .sort();

test('three hours and what has ended of this one are there at once, and always the same', () => {
  const directory = temporaryDirectory();
  writeAccessLogs(directory, at('01T10:14'));
  const files = filesIn(directory);
  expect(files).toHaveLength(3 * 12 + 2);
  expect(files[0]).toMatch(/\/2026\/10\/01\/.*_20261001T0705Z_.*\.log\.gz$/);
  expect(files.at(-1)).toMatch(/_20261001T1010Z_/);
  const read = () => gunzipSync(readFileSync(join(directory, files[0] ?? ''))).toString();
  const before = read();
  expect(before.trimEnd().split('\n')).toEqual(accessLog(at('01T07:00')).lines);
  rmSync(join(directory, files[0] ?? ''));
  writeAccessLogs(directory, at('01T10:14'));
  expect(read()).toBe(before);
});

test('a line is one of a load balancer, of a request within its five minutes', () => {
  const { lines } = accessLog(at('01T10:05'));
  for (const line of lines) {
    expect(line).toMatch(
      /^h2 2026-10-01T10:0[5-9]:[\d.]+Z app\/demo\/\w+ 192\.0\.2\.\d+:\d+ 10\.0\.0\.\d:8081 (0\.\d+ ){3}200 200 \d+ \d+ "GET https:\/\/demo\.example\.com:443\/\w+\/\w+\/\S+ HTTP\/2\.0" /,
    );
  }
});

test('a file that is there is left alone, and days that nobody asks for are removed', () => {
  const directory = temporaryDirectory();
  writeAccessLogs(directory, at('01T10:14'));
  const [first = ''] = filesIn(directory);
  writeFileSync(join(directory, first), 'mine');
  writeAccessLogs(directory, at('01T10:16'));
  expect(readFileSync(join(directory, first), 'utf8')).toBe('mine');
  writeAccessLogs(directory, at('03T23:59'));
  expect(filesIn(directory)).toContain(first);
  writeAccessLogs(directory, at('04T00:01'));
  expect(filesIn(directory)).not.toContain(first);
});
