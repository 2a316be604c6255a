import { describe, expect, test } from '@jest/globals';
import { parseTopicTemplate, type TopicTemplate } from '@odometer/domain/topic-template';
import fc from 'fast-check';
import { IOT_REJECTIONS, readRuleMessage } from './read-rule-message.ts';

const template = parseTopicTemplate('roboticks/{organization}/{project}/{device}/#', [
  'commands',
]) as TopicTemplate;
const TOPIC = 'roboticks/acme/fleet/d1/up';
const ID = '12345678-1234-1234-1234-123456789012';

function read(message: unknown, perDevice = true) {
  const body = typeof message === 'string' ? message : JSON.stringify(message);
  return readRuleMessage(body, template, perDevice, 42);
}

describe('what the documented rule sends', () => {
  test('is an owner, a direction, topic plus payload bytes, an id and the time of arrival', () => {
    expect(read({ topic: TOPIC, id: ID, bytes: 5, timestamp: 7 })).toEqual({
      organization: 'acme',
      project: 'fleet',
      device: 'd1',
      outbound: false,
      sizeBytes: TOPIC.length + 5,
      id: ID,
      fingerprint: expect.stringMatching(/^-?\d+$/),
      atMs: 42,
    });
    expect(read({ topic: 'roboticks/a/p/d/commands/x', id: ID, bytes: 0 })).toMatchObject({
      outbound: true,
    });
  });

  test('counts a topic in bytes, not in characters', () => {
    const topic = 'roboticks/acme/fleet/d1/größe';
    expect(read({ topic, id: ID, bytes: 1 })).toMatchObject({ sizeBytes: topic.length + 2 + 1 });
  });

  test('has a fingerprint of topic and size, whatever else is in it', () => {
    const fingerprint = (change: object) => {
      const message = read({ topic: TOPIC, id: ID, bytes: 5, ...change });
      return typeof message === 'string' ? message : message.fingerprint;
    };
    expect(fingerprint({ timestamp: 1, id: 'other' })).toBe(fingerprint({}));
    expect(fingerprint({ bytes: 6 })).not.toBe(fingerprint({}));
    expect(fingerprint({ topic: `${TOPIC}/x`, bytes: 3 })).not.toBe(fingerprint({}));
  });

  test('loses its device when devices are not told apart', () => {
    expect(read({ topic: TOPIC, id: ID, bytes: 5 }, false)).toMatchObject({ device: '' });
  });
});

test.each([
  ['invalid_body', ''],
  ['invalid_body', '{"topic":'],
  ['invalid_body', 'eyJ0b3BpYyI6ImEifQ=='],
  ['invalid_body', null],
  ['invalid_body', [TOPIC]],
  ['invalid_body', { id: ID, bytes: 5 }],
  ['invalid_body', { topic: 5, id: ID, bytes: 5 }],
  ['topic_outside_template', { topic: '$aws/things/d1/shadow/update', id: ID, bytes: 5 }],
  ['topic_outside_template', { topic: '', id: ID, bytes: 5 }],
  ['empty_segment', { topic: 'roboticks//fleet/d1', id: ID, bytes: 5 }],
  ['invalid_name', { topic: 'roboticks/a b/fleet/d1', id: ID, bytes: 5 }],
  ['invalid_name', { topic: 'roboticks/\u0000/fleet/d1', id: ID, bytes: 5 }],
  ['invalid_id', { topic: TOPIC, bytes: 5 }],
  ['invalid_id', { topic: TOPIC, id: '', bytes: 5 }],
  ['invalid_id', { topic: TOPIC, id: 7, bytes: 5 }],
  ['invalid_id', { topic: TOPIC, id: 'a\u0000b', bytes: 5 }],
  ['invalid_id', { topic: TOPIC, id: 'x'.repeat(129), bytes: 5 }],
  ['invalid_size', { topic: TOPIC, id: ID }],
  ['invalid_size', { topic: TOPIC, id: ID, bytes: -1 }],
  ['invalid_size', { topic: TOPIC, id: ID, bytes: 1.5 }],
  ['invalid_size', { topic: TOPIC, id: ID, bytes: '5' }],
  ['invalid_size', { topic: TOPIC, id: ID, bytes: 2 ** 53 }],
])('%s: %j counts for nobody', (reason, message) => {
  expect(read(message)).toBe(reason);
});

test('whatever the body, it is read or rejected with a reason', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
      const message = read(body);
      expect(typeof message === 'object' || IOT_REJECTIONS.includes(message)).toBe(true);
    }),
  );
});
