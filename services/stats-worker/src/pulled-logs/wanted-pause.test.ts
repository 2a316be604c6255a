import { expect, test } from '@jest/globals';
import { wantedPauseMs } from './wanted-pause.ts';

const nowMs = Date.parse('2026-11-05T10:00:00Z');
const epoch = nowMs / 1_000;

test.each([
  [{ 'retry-after': '7' }, 7_000],
  [{ 'retry-after': 'Thu, 05 Nov 2026 10:00:30 GMT' }, 30_000],
  [{ 'x-ratelimit-reset': String(epoch + 20) }, 20_000],
  // Its clock is a minute ahead of ours.
  [{ 'x-ratelimit-reset': String(epoch + 80), date: 'Thu, 05 Nov 2026 10:01:00 GMT' }, 20_000],
  [{ 'retry-after': '5', 'x-ratelimit-reset': String(epoch + 20) }, 20_000],
  // Over already.
  [{ 'x-ratelimit-reset': String(epoch - 20) }, 0],
  // In milliseconds, or in the year 5000: not for ever.
  [{ 'x-ratelimit-reset': String(nowMs) }, 3_600_000],
  [{ 'retry-after': 'soon' }, 60_000],
  [{}, 60_000],
])('a 429 with %j asks for %d ms', (headers, ms) => {
  expect(wantedPauseMs(new Headers(headers), true, nowMs)).toBe(ms);
});

test('an answer that says that it was the last one asks for a pause, too', () => {
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(epoch + 3) };
  expect(wantedPauseMs(new Headers(headers), false, nowMs)).toBe(3_000);
  const many = { ...headers, 'x-ratelimit-remaining': '12' };
  expect(wantedPauseMs(new Headers(many), false, nowMs)).toBe(0);
  expect(wantedPauseMs(new Headers({ 'x-ratelimit-remaining': '0' }), false, nowMs)).toBe(0);
});
