import { expect, test } from '@jest/globals';
import type { EventBatch } from '@odometer/queues/catalogue';
import fc from 'fast-check';
import { checkCountBatch, checkEventBatch } from './check-payload.ts';

const header = {
  source: 's',
  epoch: '1',
  seq: 1,
  books: { received: 1, rejected: 0, accepted: 1 },
  frozenAtMs: 1,
};

test('a batch of ours passes as it is', () => {
  const batch: EventBatch = { ...header, events: [] };
  expect(checkEventBatch(batch)).toBe(batch);
  const flush = { ...header, messages: 0, mark: null, hours: [{ hourMs: 0, counts: [] }] };
  expect(checkCountBatch(flush)).toBe(flush);
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
