import { expect, test } from '@jest/globals';
import { bucketDeclarationSchema } from './bucket-declaration.ts';

const minimal = {
  name: 'assets',
  bucket: 'acme-assets',
  notifications: { kind: 'sqs', queueUrl: 'https://sqs.eu-central-1.amazonaws.com/123456789012/q' },
};

function problems(change: object): readonly string[] {
  const parsed = bucketDeclarationSchema.safeParse({ ...minimal, ...change });
  return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'));
}

test('a bucket needs a name, the store’s name and where notifications come from', () => {
  expect(bucketDeclarationSchema.parse(minimal)).toMatchObject({
    region: 'us-east-1',
    ledger: 'full',
    order: 'sequencer',
    keys: '{organization}/{project}/…',
    types: [],
    notifications: { form: 's3' },
  });
});

test('what is stored can be parsed again', () => {
  const once = bucketDeclarationSchema.parse({
    ...minimal,
    types: [{ pattern: 'logs/…', type: 'log' }],
  });
  expect(bucketDeclarationSchema.parse(JSON.parse(JSON.stringify(once)))).toEqual(once);
});

test.each([
  [{ keys: 'data/…' }, ['project', 'organization']],
  [{ keys: 'data/…', organization: 'acme', project: 'robots' }, []],
  [{ project: 'robots' }, ['project']],
  [{ keys: '{project}' }, ['keys']],
  [{ types: [{ pattern: '…', type: 'x' }] }, ['types.0.pattern']],
  [{ ledger: 'listing' }, ['notifications']],
  [{ ledger: 'listing', notifications: { kind: 'none' } }, []],
  [{ notifications: { kind: 'webhook', path: 'minio' } }, ['notifications']],
  [{ notifications: { kind: 'webhook', path: 'minio', tokenHash: '0'.repeat(64) } }, []],
  [{ account: '1' }, ['account']],
  [{ graceSeconds: -1 }, ['graceSeconds']],
])('%j is refused at %j', (change, expected) => {
  const found = problems(change);
  for (const path of expected) expect(found).toContain(path);
  if (expected.length === 0) expect(found).toEqual([]);
});
