import { expect, test } from '@jest/globals';
import { parseTopicTemplate, readTopic } from '@odometer/domain/topic-template';
import fc from 'fast-check';
import { TopicInterning } from './topic-interning.ts';

const parsed = parseTopicTemplate('roboticks/{organization}/{project}/{device}/#', ['cmd']);
if (typeof parsed === 'string') throw new Error(parsed);
const template = parsed;

function meaning(topics: TopicInterning, topic: string | Buffer, mayAdd = true) {
  const bytes = Buffer.concat([Buffer.from('x/'), Buffer.from(topic), Buffer.from('/y')]);
  return topics.meaning(bytes, 2, bytes.length - 2, mayAdd);
}

test('topics of one device share its counts, whatever follows and in both directions', () => {
  const topics = new TopicInterning(template, true);
  const inbound = meaning(topics, 'roboticks/o/p/d/up/1');
  expect(meaning(topics, 'roboticks/o/p/d/up/2').owner).toBe(inbound.owner);
  const outbound = meaning(topics, 'roboticks/o/p/d/cmd/2');
  expect(outbound.owner).toBe(inbound.owner);
  expect([inbound.outbound, outbound.outbound]).toEqual([false, true]);
  expect(meaning(topics, 'roboticks/o/p/e/up').owner).not.toBe(inbound.owner);
});

test('without devices, topics of one project share its counts', () => {
  const topics = new TopicInterning(template, false);
  const { owner } = meaning(topics, 'roboticks/o/p/d/up');
  expect(meaning(topics, 'roboticks/o/p/e/up').owner).toBe(owner);
  expect(owner?.device).toBe('');
});

test('any bytes have the meaning that their topic has, first and again', () => {
  const topics = new TopicInterning(template, true);
  const segment = fc.oneof(
    fc.constantFrom('roboticks', 'o', '', 'ä', 'cmd', '+', '#', ' '),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 7 }), (segments) => {
      const topic = segments.join('/');
      const expected = readTopic(template, Buffer.from(topic).toString());
      for (let time = 0; time < 2; time += 1) {
        const found = meaning(topics, topic);
        if (typeof expected === 'string') expect(found.rejection).toBe(expected);
        else expect({ ...found.owner, outbound: found.outbound }).toMatchObject(expected);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('bytes that are no UTF-8 are refused, and do not make it throw', () => {
  const topics = new TopicInterning(template, true);
  const latin1 = Buffer.from('roboticks/o/p/d\xff/x', 'latin1');
  expect(meaning(topics, latin1).rejection).toBe('invalid_utf8');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      meaning(topics, Buffer.from(bytes));
      meaning(topics, Buffer.concat([Buffer.from('roboticks/'), Buffer.from(bytes)]));
    }),
  );
});

test('a million random topics keep the memory flat', () => {
  const topics = new TopicInterning(template, true);
  for (let index = 0; index < 250_000; index += 1) {
    meaning(topics, `roboticks/o/p/d${index}/up`, index < 20_000);
    meaning(topics, `roboticks/o/p /d${index}/up`);
    meaning(topics, `roboticks/o/${'p'.repeat(500)}/d${index}/up`);
    meaning(topics, `elsewhere/${index}/a/b/c`);
  }
  expect(topics.size).toBeLessThanOrEqual(100_000);
  expect(meaning(topics, 'roboticks/o/p/another/up', false).rejection).toBe('overflow');
  topics.trim();
  expect(topics.size).toBe(0);
});
