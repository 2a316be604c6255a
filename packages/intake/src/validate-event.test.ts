import { describe, expect, test } from '@jest/globals';
import { eventFingerprint, eventKey } from '@odometer/domain/event-envelope';
import fc from 'fast-check';
import { parseJson } from './parse-json.ts';
import { Refusal } from './refusal.ts';
import { type RequestContext, validateEvent } from './validate-event.ts';

const bounds = { maxFutureMs: 300_000, maxAgeMs: 86_400_000, maxEventBytes: 1_024 };
const context: RequestContext = {
  organization: null,
  defaultOrganization: 'default',
  nowMs: Date.UTC(2026, 0, 15),
  mayHoldBadText: true,
  mayBeTooLarge: true,
};
const event = {
  specversion: '1.0',
  id: '1',
  source: 's',
  type: 'api_calls',
  subject: 'acme/web/device-1',
  time: '2026-01-15T00:00:00Z',
  data: { value: 1 },
};
const validate = (change: object, changedContext: Partial<RequestContext> = {}) =>
  validateEvent({ ...event, ...change }, bounds, { ...context, ...changedContext });

test('an event becomes an envelope with its owner', () => {
  expect(validate({ traceparent: '00-1', dataschema: null })).toEqual({
    organization: 'acme',
    project: 'web',
    device: 'device-1',
    id: '1',
    source: 's',
    type: 'api_calls',
    subject: 'acme/web/device-1',
    time: '2026-01-15T00:00:00Z',
    data: { value: 1 },
    attributes: { traceparent: '00-1' },
    ingestedAtMs: context.nowMs,
  });
});

test('a missing time is the time of receipt, and marked as such', () => {
  expect(validate({ time: undefined })).toMatchObject({
    time: '2026-01-15T00:00:00.000Z',
    timeFilled: true,
  });
});

describe('whose usage it is', () => {
  test('a bare project belongs to the key, or to the default organization', () => {
    expect(validate({ subject: 'web' })).toMatchObject({ organization: 'default' });
    expect(validate({ subject: 'web' }, { organization: 'acme' })).toMatchObject({
      organization: 'acme',
    });
  });

  test('a key bound to an organization may write only for it', () => {
    expect(validate({}, { organization: 'acme' })).not.toBeInstanceOf(Refusal);
    expect(validate({}, { organization: 'other' })).toMatchObject({ code: 'forbidden' });
  });
});

describe('refused with a reason', () => {
  test.each<[string, object]>([
    ['specversion', { specversion: '0.3' }],
    ['specversion', { specversion: undefined }],
    ['id', { id: undefined }],
    ['id', { id: '' }],
    ['id', { id: 1 }],
    ['id', { id: 'x'.repeat(513) }],
    ['source', { source: null }],
    ['source', { source: 'posthoc/alb' }],
    ['type', { type: 'x'.repeat(256) }],
    ['attribute', { posthoc: { metric: 'alb' } }],
    ['subject', { subject: undefined }],
    ['subject', { subject: 'a//b' }],
    ['subject', { subject: 'a\u0000' }],
    ['time', { time: 'yesterday' }],
    ['time', { time: 1_768_435_200 }],
    ['time', { time: '2026-01-15T00:05:01Z' }],
    ['time', { time: '2026-01-13T23:59:59Z' }],
    ['data', { data: 'text' }],
    ['data', { data: [1] }],
    ['data', { data: 1 }],
    ['data', { data_base64: 'AA==' }],
    ['data', { datacontenttype: 'text/xml' }],
    ['text', { id: 'a\u0000' }],
    ['text', { source: '\ud800' }],
    ['text', { data: { text: 'a\u0000' } }],
    ['text', { data: { 'a\u0000': 1 } }],
    ['text', { data: { list: [{ text: '\udc00' }] } }],
    ['text', { extension: '\u0000' }],
    ['number', { data: { value: 1e200 } }],
    ['number', { data: { value: Number.POSITIVE_INFINITY } }],
    ['number', { data: { list: [2 ** 53] } }],
    ['attribute', { NotAllowed: 1 }],
    ['attribute', { extension: {} }],
    ['attribute', { extension: 2 ** 31 }],
    ['attribute', { extension: { valueOf: 1, toString: 1 } }],
    ['size', { data: { text: 'x'.repeat(1_024) } }],
  ])('%s: %j', (code, change) => {
    expect(validate(change)).toMatchObject({ code });
  });

  test.each([null, 1, 'x', [], true])('%j is no event', (item) => {
    expect(validateEvent(item, bounds, context)).toMatchObject({ code: 'malformed' });
  });

  test('a number that JSON.parse has rounded or overflowed is refused, never stored as another', () => {
    for (const literal of ['9007199254740993', '1e400', '-9007199254740993', '1e22']) {
      const parsed = parseJson(Buffer.from(`{"value":${literal}}`));
      if (parsed instanceof Refusal) throw new Error(parsed.reason);
      expect(validate({ data: parsed.value })).toMatchObject({ code: 'number' });
    }
    expect(validate({ data: { value: '9007199254740993' } })).not.toBeInstanceOf(Refusal);
  });

  test('nesting beyond any use, however deep', () => {
    for (const depth of [65, 1_000, 1_000_000]) {
      const text = `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
      const parsed = parseJson(Buffer.from(text));
      if (parsed instanceof Refusal) throw new Error(parsed.reason);
      expect(validate({ data: parsed.value })).toMatchObject({ code: 'depth' });
    }
    expect(
      validate({ data: JSON.parse(`{"a":${'['.repeat(60)}${']'.repeat(60)}}`) }),
    ).toMatchObject({ id: '1' });
  });
});

test('the look at strings is only left out when the bytes hold no escape', () => {
  for (const text of ['{"a":"\\u0000"}', '{"a":"\\ud800"}', '{"\\u0000":1}']) {
    expect(parseJson(Buffer.from(text))).toMatchObject({ mayHoldBadText: true });
  }
  fc.assert(
    fc.property(fc.json(), (text) => {
      const parsed = parseJson(Buffer.from(text));
      if (parsed instanceof Refusal || parsed.mayHoldBadText) return;
      expect(validate({ data: { value: parsed.value } })).not.toMatchObject({ code: 'text' });
    }),
  );
});

test('a member named __proto__ is data like any other: kept as sent, and told apart', () => {
  const envelopeOf = (data: string) => {
    const parsed = parseJson(Buffer.from(data));
    if (parsed instanceof Refusal) throw new Error(parsed.reason);
    const envelope = validate({ data: parsed.value });
    if (envelope instanceof Refusal) throw new Error(envelope.reason);
    return envelope;
  };
  const sent = '{"__proto__":{"value":7},"a":[{"__proto__":"x"}]}';
  expect(JSON.stringify(envelopeOf(sent).data)).toBe(sent);
  expect(eventFingerprint(envelopeOf(sent))).not.toBe(eventFingerprint(envelopeOf('{"a":[{}]}')));
  // What checks data looks into it, too.
  expect(validate({ data: JSON.parse('{"__proto__":{"value":1e400}}') })).toMatchObject({
    code: 'number',
  });
});

test('whatever is sent becomes an envelope that JSON carries unchanged, or a refusal with a sentence', () => {
  const anything = fc.anything({ withNullPrototype: true, maxDepth: 4 });
  const item = fc.oneof(
    anything,
    fc
      .record(
        {
          specversion: fc.constantFrom('1.0', '0.3'),
          id: fc.oneof(fc.string(), anything),
          source: fc.string({ unit: 'binary' }),
          type: fc.string(),
          subject: fc.oneof(fc.constantFrom('p', 'o/p', 'o/p/d'), fc.string()),
          time: fc.oneof(fc.constant('2026-01-15T00:00:00Z'), fc.string(), fc.constant(null)),
          data: fc.oneof(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), anything),
          extension: fc.oneof(fc.string(), fc.integer(), anything),
        },
        { requiredKeys: ['specversion', 'id', 'source', 'type', 'subject'] },
      )
      .map((record) => ({ ...record })),
  );
  fc.assert(
    fc.property(item, (value) => {
      let sent: unknown;
      try {
        // Only what JSON can carry can arrive.
        sent = JSON.parse(JSON.stringify(value) ?? 'null');
      } catch {
        return;
      }
      const result = validateEvent(sent, { ...bounds, maxEventBytes: 1e6 }, context);
      if (result instanceof Refusal) {
        expect(result.reason.length).toBeGreaterThan(0);
        expect(result.reason.length).toBeLessThan(200);
        return;
      }
      expect(JSON.parse(JSON.stringify(result))).toEqual(result);
      expect(JSON.stringify(result)).not.toContain('\\u0000');
      expect(eventKey(result.organization, result.source, result.id)).toHaveLength(36);
      expect(eventFingerprint(result)).toMatch(/^-?\d+$/);
    }),
    { numRuns: 300 },
  );
});
