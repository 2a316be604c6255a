import { expect, test } from '@jest/globals';
import { queueAccount } from './queue-account.ts';

test("a queue's account is in its URL", () => {
  expect(queueAccount('https://sqs.eu-central-1.amazonaws.com/123456789012/usage')).toBe(
    '123456789012',
  );
  expect(queueAccount('http://127.0.0.1:4566/queue/eu-central-1/123456789012/usage')).toBe(
    undefined,
  );
  expect(queueAccount('http://127.0.0.1:9324/1/q')).toBe(undefined);
});
