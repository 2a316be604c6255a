import { expect, test } from '@jest/globals';
import { isLeftAlone } from './left-alone.ts';

test('a log is left alone until its time, and for no longer than any may want', () => {
  const nowMs = Date.parse('2026-11-05T10:00:00Z');
  const at = (text: string) => new Date(`2026-11-05T${text}Z`);
  expect(isLeftAlone(null, nowMs)).toBe(false);
  expect(isLeftAlone(at('09:59:59'), nowMs)).toBe(false);
  expect(isLeftAlone(at('10:00:01'), nowMs)).toBe(true);
  expect(isLeftAlone(at('11:00:59'), nowMs)).toBe(true);
  // Written by a clock that was ahead.
  expect(isLeftAlone(at('11:01:01'), nowMs)).toBe(false);
});
