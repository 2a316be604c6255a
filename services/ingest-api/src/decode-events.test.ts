import { describe, expect, test } from '@jest/globals';
import { Refusal } from '@odometer/intake/refusal';
import { validateEvent } from '@odometer/intake/validate-event';
import { CloudEvent, HTTP } from 'cloudevents';
import fc from 'fast-check';
import { decodeEvents } from './decode-events.ts';

const bounds = { maxFutureMs: 300_000, maxAgeMs: 395 * 86_400_000, maxEventBytes: 65_536 };

const decode = (contentType: string | undefined, body: string, headers = {}) =>
  decodeEvents(
    { ...(contentType === undefined ? {} : { 'content-type': contentType }), ...headers },
    Buffer.from(body),
  );

const event = { specversion: '1.0', id: '1', source: 's', type: 't', subject: 'p' };

describe('the four forms', () => {
  test('structured: one object', () => {
    expect(decode('application/cloudevents+json; charset=utf-8', JSON.stringify(event))).toEqual({
      items: [event],
      mayHoldBadText: false,
    });
    expect(decode('application/cloudevents+json', '[]')).toMatchObject({ code: 'malformed' });
  });

  test('batch: an array, which may be empty', () => {
    expect(decode('application/cloudevents-batch+json', '[]')).toMatchObject({ items: [] });
    expect(decode('application/cloudevents-batch+json', '[1,2]')).toMatchObject({ items: [1, 2] });
    expect(decode('application/cloudevents-batch+json', '{}')).toMatchObject({ code: 'malformed' });
  });

  test('plain JSON: an object or an array, which may not be empty', () => {
    expect(decode('application/json', '{}')).toMatchObject({ items: [{}] });
    expect(decode('application/json', '[{},{}]')).toMatchObject({ items: [{}, {}] });
    expect(decode('application/json', '[]')).toEqual(new Refusal('malformed', 'no events found'));
  });

  test('binary: attributes from headers, percent-decoded; the body is the data', () => {
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': 'Euro%20%E2%82%AC',
      'ce-source': '"quoted \\"source\\""',
      'ce-type': 't',
      'ce-subject': 'p',
      'ce-traceparent': '00-1',
    };
    expect(decode('application/json', '{"value":2}', headers)).toMatchObject({
      items: [{ id: 'Euro €', source: 'quoted "source"', traceparent: '00-1', data: { value: 2 } }],
    });
    expect(decode(undefined, '', headers)).toMatchObject({ items: [{ type: 't' }] });
    expect(decode('text/plain', 'x', headers)).toMatchObject({ code: 'content_type' });
    expect(decode('application/json', 'garbage', headers)).toMatchObject({ code: 'malformed' });
    expect(decode('application/json', '{}', { ...headers, 'ce-id': '%' })).toMatchObject({
      code: 'malformed',
    });
    expect(decode('application/json', '{}', { ...headers, 'ce-data': '1' })).toMatchObject({
      code: 'attribute',
    });
  });
});

test.each([
  ['text/plain', '{}', 'content_type'],
  [undefined, '{}', 'content_type'],
  ['application/json; charset=utf-16', '{}', 'content_type'],
  ['application/json', '{', 'malformed'],
  ['application/json', '', 'malformed'],
])('%s with %j is refused as %s', (contentType, body, code) => {
  expect(decode(contentType, body)).toMatchObject({ code });
});

test('bytes that are not UTF-8 are refused instead of replaced', () => {
  const body = Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  expect(decodeEvents({ 'content-type': 'application/json' }, body)).toMatchObject({
    code: 'malformed',
  });
});

const attribute = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' });

test('what the CloudEvents library emits, in binary and structured mode, arrives as it was meant', () => {
  fc.assert(
    fc.property(
      fc.record({
        id: attribute,
        source: attribute,
        type: attribute,
        data: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean())),
      }),
      (parts) => {
        const sent = new CloudEvent(
          { ...parts, subject: 'org/project', time: new Date().toISOString() },
          false,
        );
        for (const message of [HTTP.binary(sent), HTTP.structured(sent)]) {
          // The library does not encode header values as the binding demands; a client's HTTP library would refuse.
          const headers = Object.fromEntries(
            Object.entries(message.headers).map(([name, value]) => [
              name,
              name.startsWith('ce-') ? encodeURIComponent(String(value)) : value,
            ]),
          ) as Record<string, string>;
          const decoded = decodeEvents(headers, Buffer.from(String(message.body)));
          if (decoded instanceof Refusal) throw new Error(decoded.reason);
          const envelope = validateEvent(decoded.items[0], bounds, {
            organization: null,
            defaultOrganization: 'default',
            nowMs: Date.now(),
            mayHoldBadText: decoded.mayHoldBadText,
            mayBeTooLarge: false,
          });
          // JSON can write U+0000 and halves of surrogate pairs, which are refused by name.
          if (envelope instanceof Refusal) expect(envelope.code).toBe('text');
          else {
            expect(envelope).toMatchObject({ organization: 'org', project: 'project', ...parts });
          }
        }
      },
    ),
  );
});

test('whatever arrives, it is decoded or refused with a reason, and never throws', () => {
  const contentType = fc.oneof(
    fc.constantFrom(
      'application/json',
      'application/cloudevents+json',
      'application/cloudevents-batch+json',
      undefined,
    ),
    fc.string(),
  );
  const body = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.json().map((text) => Buffer.from(text)),
  );
  const headers = fc.dictionary(
    fc.constantFrom('ce-id', 'ce-specversion', 'ce-source', 'ce-__proto__', 'ce-', 'ce-time'),
    fc.string(),
  );
  fc.assert(
    fc.property(contentType, body, headers, (type, bytes, ceHeaders) => {
      const decoded = decodeEvents(
        { ...ceHeaders, ...(type === undefined ? {} : { 'content-type': type }) },
        bytes,
      );
      if (decoded instanceof Refusal) expect(decoded.reason).not.toBe('');
      else expect(Array.isArray(decoded.items)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
