import { expect, test } from '@jest/globals';
import { zoneClock } from './time-zone.ts';
import { cutWindows, type WindowSize } from './windows.ts';

/** Windows of a range as `start length`, the length in minutes. */
function cut(size: WindowSize, zone: string, from: string, to: string): readonly string[] {
  const clock = zoneClock(zone);
  if (clock === undefined) throw new Error(`no zone ${zone}`);
  const windows = cutWindows(size, clock, Date.parse(from), Date.parse(to));
  if (windows.kind === 'even') return [`even ${windows.lengthMs / 60_000}`];
  return windows.boundsMs
    .slice(0, -1)
    .map(
      (startMs, i) =>
        `${new Date(startMs).toISOString().slice(0, 16)} ${((windows.boundsMs[i + 1] ?? 0) - startMs) / 60_000}`,
    );
}

test('a minute is a minute everywhere', () => {
  expect(cut('MINUTE', 'Asia/Kathmandu', '2026-01-01T00:00Z', '2026-02-01T00:00Z')).toEqual([
    'even 1',
  ]);
});

test('hours of a zone of whole hours are those of UTC, also when clocks are changed', () => {
  expect(cut('HOUR', 'Europe/Prague', '2026-03-29T00:00Z', '2026-03-29T03:00Z')).toEqual([
    'even 60',
  ]);
  expect(cut('HOUR', 'America/New_York', '2026-11-01T04:00Z', '2026-11-01T09:00Z')).toEqual([
    'even 60',
  ]);
});

test('days have 23 and 25 hours when clocks are changed', () => {
  expect(cut('DAY', 'Europe/Prague', '2026-03-28T12:00Z', '2026-03-30T12:00Z')).toEqual([
    '2026-03-27T23:00 1440',
    '2026-03-28T23:00 1380',
    '2026-03-29T22:00 1440',
  ]);
  expect(cut('DAY', 'Europe/Prague', '2026-10-24T22:00Z', '2026-10-26T23:00Z')).toEqual([
    '2026-10-24T22:00 1500',
    '2026-10-25T23:00 1440',
  ]);
});

test('hours of Kathmandu begin at a quarter', () => {
  expect(cut('HOUR', 'Asia/Kathmandu', '2026-01-01T00:00Z', '2026-01-01T02:00Z')).toEqual([
    '2025-12-31T23:15 60',
    '2026-01-01T00:15 60',
    '2026-01-01T01:15 60',
  ]);
  expect(cut('DAY', 'Asia/Kathmandu', '2026-01-01T00:00Z', '2026-01-01T19:00Z')).toEqual([
    '2025-12-31T18:15 1440',
    '2026-01-01T18:15 1440',
  ]);
});

test('Lord Howe changes its clocks by half an hour', () => {
  // 02:00 (+11) becomes 01:30 (+10:30): what is left of the hour from 01:30 comes as a window of its own.
  expect(cut('HOUR', 'Australia/Lord_Howe', '2026-04-04T14:00Z', '2026-04-04T17:00Z')).toEqual([
    '2026-04-04T14:00 60',
    '2026-04-04T15:00 30',
    '2026-04-04T15:30 60',
    '2026-04-04T16:30 60',
  ]);
  // 02:00 (+10:30) becomes 02:30 (+11).
  expect(cut('HOUR', 'Australia/Lord_Howe', '2026-10-03T14:30Z', '2026-10-03T17:00Z')).toEqual([
    '2026-10-03T14:30 60',
    '2026-10-03T15:30 30',
    '2026-10-03T16:00 60',
  ]);
  expect(cut('DAY', 'Australia/Lord_Howe', '2026-10-03T14:00Z', '2026-10-03T14:01Z')).toEqual([
    '2026-10-03T13:30 1410',
  ]);
});

test('the first and the last zone of a day are 26 hours apart', () => {
  expect(cut('DAY', 'Pacific/Kiritimati', '2026-01-01T09:59Z', '2026-01-01T10:01Z')).toEqual([
    '2025-12-31T10:00 1440',
    '2026-01-01T10:00 1440',
  ]);
  expect(cut('DAY', 'Etc/GMT+12', '2026-01-01T11:59Z', '2026-01-01T12:01Z')).toEqual([
    '2025-12-31T12:00 1440',
    '2026-01-01T12:00 1440',
  ]);
});

test('February has 29 days in a leap year', () => {
  expect(cut('DAY', 'UTC', '2028-02-28T00:00Z', '2028-03-02T00:00Z')).toEqual([
    '2028-02-28T00:00 1440',
    '2028-02-29T00:00 1440',
    '2028-03-01T00:00 1440',
  ]);
  expect(cut('MONTH', 'UTC', '2028-02-10T00:00Z', '2028-03-01T00:00:00.001Z')).toEqual([
    `2028-02-01T00:00 ${29 * 1440}`,
    `2028-03-01T00:00 ${31 * 1440}`,
  ]);
});

test('a month with a change of clocks is an hour shorter or longer', () => {
  expect(cut('MONTH', 'Europe/Prague', '2026-03-10T00:00Z', '2026-03-11T00:00Z')).toEqual([
    `2026-02-28T23:00 ${31 * 1440 - 60}`,
  ]);
});

test('a day begins at 01:00 where midnight is left out', () => {
  expect(cut('DAY', 'Asia/Beirut', '2026-03-28T10:00Z', '2026-03-29T10:00Z')).toEqual([
    '2026-03-27T22:00 1440',
    '2026-03-28T22:00 1380',
  ]);
});

test('a day that was left out has no window', () => {
  expect(cut('DAY', 'Pacific/Apia', '2011-12-30T00:00Z', '2011-12-31T00:00Z')).toEqual([
    '2011-12-29T10:00 1440',
    '2011-12-30T10:00 1440',
  ]);
});

test('a day has begun, also when the clock is set back behind its midnight', () => {
  // St. John's until 2011: at 00:01 back to 23:01.
  expect(cut('DAY', 'America/St_Johns', '2010-11-07T02:45Z', '2010-11-07T12:00Z')).toEqual([
    '2010-11-07T02:30 1500',
  ]);
});

test('windows touch and cover the range, whatever the zone', () => {
  // Every tenth, for time's sake; and Troll, whose clocks move by two hours.
  const zones = Intl.supportedValuesOf('timeZone').filter((_, i) => i % 10 === 0);
  for (const zone of [...zones, 'Antarctica/Troll']) {
    const clock = zoneClock(zone);
    if (clock === undefined) throw new Error(`no zone ${zone}`);
    const fromMs = Date.parse('2026-02-11T07:13:01.001Z');
    const toMs = Date.parse('2026-11-20T21:59:59.999Z');
    for (const size of ['DAY', 'MONTH'] as const) {
      const windows = cutWindows(size, clock, fromMs, toMs);
      const boundsMs = windows.kind === 'bounds' ? windows.boundsMs : [];
      expect(boundsMs[0]).toBeLessThanOrEqual(fromMs);
      expect(boundsMs[1]).toBeGreaterThan(fromMs);
      expect(boundsMs.at(-1)).toBeGreaterThanOrEqual(toMs);
      expect(boundsMs.at(-2)).toBeLessThan(toMs);
      const hours = boundsMs.slice(1).map((endMs, i) => (endMs - (boundsMs[i] ?? 0)) / 3_600_000);
      const [least, most] = size === 'DAY' ? [22, 26] : [28 * 24 - 2, 31 * 24 + 2];
      expect(Math.min(...hours)).toBeGreaterThanOrEqual(least);
      expect(Math.max(...hours)).toBeLessThanOrEqual(most);
      for (const boundMs of boundsMs.slice(1, -1)) {
        // Midnight, or just after the one that was left out.
        expect(new Date(clock(boundMs)).getUTCHours()).toBeLessThanOrEqual(2);
      }
    }
  }
});

test('a range of too many windows is refused', () => {
  expect(() => cut('DAY', 'UTC', '1800-01-01T00:00Z', '2026-01-01T00:00Z')).toThrow('windowSize');
});

test.each(['Mars/Olympus', '', '+02:00', 'Europe/Prague; drop', "'", 'Local', '../etc/passwd'])(
  '%j is no time zone',
  (zone) => {
    expect(zoneClock(zone)).toBeUndefined();
  },
);
