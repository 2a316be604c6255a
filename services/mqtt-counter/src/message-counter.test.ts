import { describe, expect, test } from '@jest/globals';
import { parseTopicTemplate } from '@odometer/domain/topic-template';
import { MessageCounter } from './message-counter.ts';
import { TopicInterning } from './topic-interning.ts';

function counterWith(mark: number | null): MessageCounter {
  const template = parseTopicTemplate('t/{organization}/{project}/{device}/#', ['cmd']);
  if (typeof template === 'string') throw new Error(template);
  return new MessageCounter(new TopicInterning(template, true), mark, 0);
}

function publish(
  counter: MessageCounter,
  topic: string,
  { qos = 0, id = 0, retain = false, payloadBytes = 3 } = {},
): void {
  const bytes = Buffer.from(topic);
  counter.publish(qos, retain, id, bytes, 0, bytes.length, payloadBytes);
}

test('what is received is accepted or rejected, and every rejection has a reason', () => {
  const counter = counterWith(null);
  counter.connected(false);
  publish(counter, 't/o/p/d/up');
  publish(counter, 't/o/p/d/up', { qos: 1, id: 1 });
  publish(counter, 't/o//d/up');
  publish(counter, 'x');
  publish(counter, 't/o/p/d/up', { retain: true });
  publish(counter, 't/o/p/d/up', { qos: 2, id: 2 });
  expect(counter.books).toEqual({ received: 6, accepted: 2, rejected: 4 });
  expect(counter.rejected).toMatchObject({
    empty_segment: 1,
    topic_outside_template: 1,
    retained: 1,
    unexpected_qos: 1,
  });
  expect(counter.acceptedBytes).toBe(2 * ('t/o/p/d/up'.length + 3));
});

test('rejected QoS 1 messages are acknowledged in their turn', () => {
  const counter = counterWith(null);
  counter.connected(false);
  publish(counter, 'x', { qos: 1, id: 1 });
  publish(counter, 't/o/p/d', { qos: 1, id: 2 });
  publish(counter, 't/o/p/d', { qos: 1, id: 3, retain: true });
  expect(counter.freeze()).toMatchObject({ mark: 3, messages: 1, books: { received: 3 } });
  expect([...counter.release()]).toEqual([1, 2]);
});

describe('resuming', () => {
  test('what comes up to the mark was counted; QoS 0 in between is new', () => {
    const counter = counterWith(9);
    counter.connected(true);
    publish(counter, 't/o/p/d', { qos: 1, id: 4 });
    publish(counter, 't/o/p/d');
    expect(counter.books.received).toBe(1);
    publish(counter, 't/o/p/d', { qos: 1, id: 9 });
    publish(counter, 't/o/p/d', { qos: 1, id: 5 });
    expect(counter.books).toEqual({ received: 4, accepted: 2, rejected: 2 });
    expect(counter.freeze()).toMatchObject({ mark: 5, messages: 2 });
    expect([...counter.release()]).toEqual([4, 9]);
  });

  test('without the mark what came is counted', () => {
    const counter = counterWith(9);
    counter.connected(true);
    publish(counter, 't/o/p/d', { qos: 1, id: 4 });
    publish(counter, 't//p/d', { qos: 1, id: 5 });
    expect(counter.giveUpMark()).toBe(2);
    expect(counter.books).toEqual({ received: 2, accepted: 1, rejected: 1 });
    expect(counter.freeze()).toMatchObject({ mark: 5, messages: 1 });
  });

  test('undecided messages of a broken connection enter the books once, when they come again', () => {
    const counter = counterWith(9);
    for (let connection = 0; connection < 3; connection += 1) {
      counter.connected(true);
      publish(counter, 't/o/p/d', { qos: 1, id: 4 });
    }
    publish(counter, 't/o/p/d', { qos: 1, id: 9 });
    expect(counter.books).toEqual({ received: 2, accepted: 0, rejected: 2 });
  });
});

describe('while nothing can be flushed', () => {
  test('QoS 0 of ever new owners is refused beyond a bound, and QoS 1 is not', () => {
    const counter = counterWith(null);
    counter.connected(false);
    for (let index = 0; index < 60_000; index += 1) publish(counter, `t/o/p/d${index}/up`);
    publish(counter, 't/o/p/d0/up');
    expect(counter.rejected.overflow).toBe(40_000);
    publish(counter, 't/o/p/another', { qos: 1, id: 1 });
    expect(counter.books.accepted).toBe(20_002);
    expect(counter.freeze().hours[0]?.counts.length).toBe(20_001);
    publish(counter, 't/o/p/d59999/up');
    expect(counter.books.accepted).toBe(20_003);
  });

  test('a broker that exceeds its window has messages deferred, in their order, until it confirms', () => {
    const counter = counterWith(null);
    counter.connected(false);
    for (let index = 0; index < 100_000; index += 1) {
      publish(counter, 't/o/p/d', { qos: 1, id: (index % 65_535) + 1 });
    }
    expect(counter.isHalfFull).toBe(true);
    expect(counter.books.received).toBe(60_000);
    expect(counter.freeze().mark).toBe(60_000);
    const released = counter.release().length;
    expect(released).toBe(59_999);
    publish(counter, 't/o/p/d', { qos: 1, id: 34_466 });
    expect(counter.books.received).toBe(60_000);
    counter.confirmed(released);
    expect(counter.books.received).toBe(100_001);
    expect(counter.freeze().mark).toBe(34_466);
  });
});
