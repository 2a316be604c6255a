import { expect, test } from '@jest/globals';
import { type BrokerReading, compareBroker } from './compare-broker.ts';
import { compareCounts } from './drift.ts';

const CHECK = { tolerance: { percent: 1, messages: 10 }, waitSeconds: 12 };
const reading = (change: Partial<BrokerReading> = {}): BrokerReading => ({
  at: '2026-11-05T10:00:00.000Z',
  broker: 'this one',
  counters: null,
  messages: { a: '18446744073709551000', b: '50' },
  bytes: {},
  uptime: { a: 1_000, b: 1_000 },
  accepted: '100',
  rejected: '0',
  ...change,
});
const later = (change: Partial<BrokerReading> = {}) =>
  reading({
    at: '2026-11-05T11:00:00.000Z',
    messages: { a: '18446744073709551600', b: '150' },
    uptime: { a: 4_595, b: 4_601 },
    accepted: '795',
    ...change,
  });

test('what a broker received is compared with what was counted meanwhile, over all nodes', () => {
  expect(compareBroker(CHECK, reading(), later())).toEqual({
    source: 'broker',
    theirs: '700',
    ours: '695',
    drift: '5',
    tolerated: '10',
    withinTolerance: true,
    unknown: null,
  });
  expect(compareBroker(CHECK, reading(), later({ accepted: '825' }))).toMatchObject({
    drift: '-25',
    withinTolerance: false,
  });
});

test.each([
  ['no reading before', undefined, later()],
  ['a count that fell', reading(), later({ messages: { a: '600', b: '150' } })],
  [
    'a count that fell at one node only',
    reading(),
    later({ messages: { a: '19446744073709551600', b: '5' } }),
  ],
  [
    'an uptime that began anew, whatever the counts',
    reading(),
    later({ uptime: { a: 60, b: 4_601 } }),
  ],
  ['a node that joined', reading(), later({ messages: { ...later().messages, c: '5' } })],
  ['a node that left', reading(), later({ messages: { a: later().messages.a ?? '' } })],
  ['another broker', reading(), later({ broker: 'another one' })],
  ['other counters', reading(), later({ counters: ['other'] })],
  ['books of a restored database', reading(), later({ accepted: '99' })],
])('with %s the drift is unknown, never negative and never 0', (_what, before, now) => {
  expect(compareBroker(CHECK, before, now)).toMatchObject({
    theirs: null,
    ours: null,
    drift: null,
    withinTolerance: null,
    unknown: expect.any(String),
  });
});

test('the tolerance is the greater of both, on either side', () => {
  const tolerance = { percent: 0.25, messages: 3 };
  const within = (theirs: bigint, ours: bigint) =>
    compareCounts('broker', theirs, ours, tolerance).withinTolerance;
  expect(within(0n, 3n)).toBe(true);
  expect(within(0n, 4n)).toBe(false);
  expect(within(10_000n, 9_975n)).toBe(true);
  expect(within(10_000n, 9_974n)).toBe(false);
  expect(within(10_000n, 10_026n)).toBe(false);
});
