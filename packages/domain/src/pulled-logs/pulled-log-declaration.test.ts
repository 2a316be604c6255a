import { expect, test } from '@jest/globals';
import { checkpointAt } from './checkpoint-template.ts';
import { pulledLogDeclarationSchema } from './pulled-log-declaration.ts';

const declaration = {
  name: 'auth0-logs',
  webhook: 'auth0',
  url: 'https://acme.eu.auth0.com/api/v2/logs',
  checkpoint: {
    parameter: 'from',
    next: { link: 'next' },
    start: '900{yyyy}{MM}{dd}{HH}{mm}{ss}000',
  },
  authorization: { type: 'bearer', tokenEnv: 'ODOMETER_PULL_SECRET_AUTH0' },
};

function problems(change: object): readonly string[] {
  const { error } = pulledLogDeclarationSchema.safeParse({ ...declaration, ...change });
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

test('it says where a log is, and how often it is read', () => {
  expect(pulledLogDeclarationSchema.parse(declaration)).toMatchObject({
    interval: '10m',
    lookBack: '24h',
    overlap: '0m',
    query: {},
  });
});

test('secrets are variables of their own: no declaration can send another one to its address', () => {
  expect(problems({ authorization: { type: 'bearer', tokenEnv: 'DATABASE_URL' } })).toEqual([
    'authorization.tokenEnv: should begin with ODOMETER_PULL_SECRET_',
  ]);
});

test('no parameter is said twice, and no address has a query', () => {
  expect(problems({ query: { from: 'x' } })).toEqual(['query: should name each parameter once']);
  expect(problems({ url: 'https://acme.eu.auth0.com/api/v2/logs?take=100' })).toHaveLength(1);
});

test('durations are within what can be done with them', () => {
  expect(problems({ interval: '5m' })).toEqual(['interval: should be 10m to 24h']);
  expect(problems({ overlap: 'soon' })).toEqual(['overlap: should be like 30m or 6h']);
  expect(problems({ interval: '2h', retention: '1h' })).toEqual([
    'retention: should be longer than interval',
  ]);
  // Each reading would begin with what the log may not have any more.
  expect(problems({ overlap: '24h', retention: '24h' })).toEqual([
    'overlap: should be shorter than retention less interval',
  ]);
  expect(problems({ overlap: '1430m', retention: '24h' })).toHaveLength(1);
  expect(problems({ overlap: '23h', retention: '24h' })).toEqual([]);
});

test('a template has the time in it, and nothing unknown', () => {
  const start = (template: string) =>
    problems({ checkpoint: { ...declaration.checkpoint, start: template } });
  expect(start('{date}')).toHaveLength(1);
  expect(start('900000')).toHaveLength(1);
  expect(start('{iso}')).toEqual([]);
  const atMs = Date.parse('2026-11-05T07:08:09.123Z');
  expect(checkpointAt('900{yyyy}{MM}{dd}{HH}{mm}{ss}000', atMs)).toBe('90020261105070809000');
  expect(checkpointAt('{epoch}/{epochMs}/{iso}', atMs)).toBe(
    '1793862489/1793862489123/2026-11-05T07:08:09.123Z',
  );
});
