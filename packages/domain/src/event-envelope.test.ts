import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type EventEnvelope, eventFingerprint, eventKey } from './event-envelope.ts';

const event: EventEnvelope = {
  organization: 'acme',
  project: 'web',
  id: '1',
  source: 's',
  type: 'api_calls',
  subject: 'web',
  time: '2026-01-01T00:00:00Z',
  data: { value: 1, path: '/x' },
  ingestedAtMs: 1,
};

test('different (organization, source, id) never share a key, whatever characters they hold', () => {
  expect(eventKey('o', 'a-b', 'c')).not.toBe(eventKey('o', 'a', 'b-c'));
  const triple = fc.tuple(fc.string(), fc.string(), fc.string());
  fc.assert(
    fc.property(triple, triple, (a, b) => {
      fc.pre(JSON.stringify(a) !== JSON.stringify(b));
      expect(eventKey(...a)).not.toBe(eventKey(...b));
    }),
  );
});

test('a retry is the same event: key order and extension attributes do not matter', () => {
  const retry = { ...event, data: { path: '/x', value: 1 }, attributes: { traceparent: 'other' } };
  expect(eventFingerprint(retry)).toBe(eventFingerprint(event));
});

test('data has one fingerprint, in whatever order the keys of any of its objects come', () => {
  const reversed = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return value.map(reversed);
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, reversed(member)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), (data) => {
      const parsed: unknown = JSON.parse(JSON.stringify(data));
      expect(eventFingerprint({ ...event, data: reversed(parsed) })).toBe(
        eventFingerprint({ ...event, data: parsed }),
      );
    }),
  );
});

test('a retry may write the same instant, and the same absence of data, in another way', () => {
  const { data: _, ...bare } = event;
  for (const [a, b] of [
    [event, { ...event, time: '2026-01-01T00:00:00.000Z' }],
    [event, { ...event, time: '2026-01-01T01:00:00+01:00' }],
    [bare, { ...bare, data: null }],
  ] as const) {
    expect(eventFingerprint(a)).toBe(eventFingerprint(b));
  }
});

test('a time the server filled in is no part of what the client meant', () => {
  const filled = { ...event, timeFilled: true as const };
  expect(eventFingerprint({ ...filled, time: '2026-05-05T00:00:00Z' })).toBe(
    eventFingerprint(filled),
  );
  expect(eventFingerprint({ ...event, time: '2026-05-05T00:00:00Z' })).not.toBe(
    eventFingerprint(event),
  );
});

test.each([{ type: 'logs' }, { subject: 'acme/web' }, { data: { value: 2, path: '/x' } }])(
  'another %j is another payload',
  (change) => {
    expect(eventFingerprint({ ...event, ...change })).not.toBe(eventFingerprint(event));
  },
);
