import { expect, test } from '@jest/globals';
import { planSchema } from './plan.ts';

const plan = (...limits: readonly Record<string, unknown>[]) =>
  planSchema.safeParse({
    slug: 'pro',
    currency: 'EUR',
    limits: limits.map((limit) => ({ meter: 'api_calls', scope: 'organization', ...limit })),
  });

const problems = (result: ReturnType<typeof plan>) =>
  (result.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);

test('a plan is one plan however it is written down', () => {
  const one = plan({ meter: 'logs', included: '100.0' }, { included: 1e3, pricePerUnit: 0.002 });
  const other = plan(
    { included: '1000', pricePerUnit: '0.0020' },
    { meter: 'logs', included: 100 },
  );
  expect(one.data).toEqual(other.data);
  expect(one.data?.limits).toEqual([
    {
      meter: 'api_calls',
      scope: 'organization',
      included: '1000',
      hard: false,
      pricePerUnit: '0.002',
    },
    { meter: 'logs', scope: 'organization', included: '100', hard: false, pricePerUnit: null },
  ]);
});

test('unlimited is said, never left out', () => {
  expect(plan({ included: 'unlimited' }).data?.limits[0]?.included).toBeNull();
  expect(plan({}).success).toBe(false);
  expect(plan({ included: null }).success).toBe(false);
});

test.each([
  [{ included: -1 }, 'limits.0.included: '],
  [{ included: Number.NaN }, 'limits.0.included: '],
  [{ included: `1${'0'.repeat(30)}` }, 'limits.0.included: '],
  [{ included: 1, pricePerUnit: '-0.1' }, 'limits.0.pricePerUnit: '],
  [{ included: 'unlimited', pricePerUnit: 1 }, 'limits.0.pricePerUnit: what is unlimited'],
  [{ included: 'unlimited', hard: true }, 'limits.0.hard: what is unlimited refuses nothing'],
  [{ included: 1, meter: 'users', scope: 'project' }, 'limits.0.scope: users are counted per'],
  [{ included: 1, meter: 'No Meter' }, 'limits.0.meter: should be the slug'],
])('refuses %j and says where', (limit, problem) => {
  expect(problems(plan(limit))[0]).toContain(problem);
});

test('a resource has one limit per scope', () => {
  expect(problems(plan({ included: 1 }, { included: 2 }))).toEqual([
    'limits.1: api_calls has two limits per organization',
  ]);
  expect(plan({ included: 1 }, { included: 2, scope: 'project' }).success).toBe(true);
});
