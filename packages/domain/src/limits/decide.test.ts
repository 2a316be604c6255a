import { describe, expect, test } from '@jest/globals';
import { decide, type LimitState, remaining } from './decide.ts';

const limit = (change: Partial<LimitState>): LimitState => ({
  scope: 'project',
  included: 10n,
  hard: true,
  used: 0n,
  reserved: 0n,
  ...change,
});

describe('a hard limit', () => {
  test('allows exactly up to what is included, reservations counted', () => {
    const state = limit({ used: 4n, reserved: 3n });
    expect(decide([state], 3n).allowed).toBe(true);
    expect(decide([state], 4n).allowed).toBe(false);
  });

  test('of the organization refuses where the project still has room, and is what is told', () => {
    const project = limit({ used: 1n });
    const organization = limit({ scope: 'organization', included: 100n, used: 98n });
    expect(decide([project, organization], 3n)).toEqual({ allowed: false, limit: organization });
    expect(decide([organization, project], 2n)).toEqual({ allowed: true, limit: organization });
  });

  test('is told before a tighter soft one', () => {
    const soft = limit({ hard: false, used: 50n });
    const hard = limit({ scope: 'organization' });
    expect(decide([soft, hard], 1n)).toEqual({ allowed: true, limit: hard });
  });

  test('that is exceeded refuses even nothing more', () => {
    expect(decide([limit({ used: 11n })], 0n).allowed).toBe(false);
    expect(decide([limit({ used: 10n })], 0n).allowed).toBe(true);
  });
});

test('a soft limit never refuses', () => {
  const soft = limit({ hard: false, used: 50n });
  expect(decide([soft], 1_000n)).toEqual({ allowed: true, limit: soft });
});

test.each([[[]], [[limit({ included: null, hard: false })]]])(
  'no limit and an unlimited one allow everything (%#)',
  (limits) => {
    expect(decide(limits, 10n ** 42n)).toEqual({ allowed: true, limit: undefined });
  },
);

test('what remains is never below 0, and null when unlimited', () => {
  expect(remaining(limit({ used: 4n, reserved: 1n }))).toBe(5n);
  expect(remaining(limit({ used: 12n }))).toBe(0n);
  expect(remaining(limit({ included: null }))).toBeNull();
});
