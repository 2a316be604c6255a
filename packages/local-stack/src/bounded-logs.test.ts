import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { shrinkLogs } from './bounded-logs.ts';

test('a log that grew too large is kept once and goes on small, while its writer has it open', () => {
  const directory = mkdtempSync(join(tmpdir(), 'odometer-logs-'));
  const path = join(directory, 'service.log');
  const writer = openSync(path, 'a');
  writeSync(writer, 'x'.repeat(100));
  shrinkLogs(directory, 100);
  expect(readFileSync(path, 'utf8')).toHaveLength(100);
  shrinkLogs(directory, 99);
  writeSync(writer, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(readFileSync(`${path}.1`, 'utf8')).toHaveLength(100);
  closeSync(writer);
  rmSync(directory, { recursive: true });
});
