import { expect, test } from '@jest/globals';
import { backoffMs } from '@odometer/domain/backoff';
import { RETRY_BACKOFF } from './job-options.ts';

test('a job is never put off for more than 30 s', () => {
  for (let attempt = 1; attempt < 100; attempt += 1) {
    expect(backoffMs(RETRY_BACKOFF, attempt)).toBeLessThanOrEqual(30_000);
  }
});
