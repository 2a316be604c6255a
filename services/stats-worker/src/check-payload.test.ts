import { expect, test } from '@jest/globals';
import type { EventBatch, IdentifiedMessage } from '@odometer/queues/catalogue';
import fc from 'fast-check';
import { checkCountBatch, checkEventBatch, checkMessageBatch } from './check-payload.ts';

const header = {
  source: 's',
  epoch: '1',
  seq: 1,
  books: { received: 1, rejected: 0, accepted: 1 },
  frozenAtMs: 1,
};
const message: IdentifiedMessage = {
  organization: 'acme',
  project: 'fleet',
  device: '',
  outbound: false,
  sizeBytes: 10,
  id: 'a',
  fingerprint: '-5',
  atMs: 1,
};

test('a batch of ours passes as it is', () => {
  const batch: EventBatch = { ...header, events: [] };
  expect(checkEventBatch(batch)).toBe(batch);
  const flush = { ...header, messages: 0, mark: null, hours: [{ hourMs: 0, counts: [] }] };
  expect(checkCountBatch(flush)).toBe(flush);
  const messages = { ...header, origin: 'aws-iot', messages: [message] };
  expect(checkMessageBatch(messages)).toBe(messages);
});

test('a message that is none refuses its batch, before it meets another', () => {
  const broken = [{ atMs: 1.5 }, { fingerprint: 'x' }, { id: null }, { sizeBytes: -1 }];
  for (const change of broken) {
    const messages = [message, { ...message, ...change }] as unknown as IdentifiedMessage[];
    expect(() => checkMessageBatch({ ...header, origin: 'aws-iot', messages })).toThrow(
      `messages.1.${Object.keys(change)[0]}`,
    );
  }
});

test('anything else is refused for good, with where it is wrong', () => {
  expect(() => checkEventBatch({ ...header, epoch: 'x', events: [] })).toThrow('epoch');
  fc.assert(
    fc.property(fc.anything(), (payload) => {
      let code: unknown;
      try {
        checkEventBatch(payload as EventBatch);
      } catch (error) {
        code = (error as { code?: unknown }).code;
      }
      expect(code).toBe('job_payload_invalid');
    }),
  );
});
