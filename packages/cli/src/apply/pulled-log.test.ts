import { expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { applyDeclarations, type Change } from './apply-declarations.ts';
import { readDeclarations } from './read-declarations.ts';

const { pool } = useTestDatabase();

const apply = (text: string): Promise<readonly Change[]> =>
  applyDeclarations(pool, readDeclarations('FILE.yaml', text), {
    file: 'FILE.yaml',
    dryRun: false,
    actor: 'cli:test',
  });

const webhook = (name: string, time = ''): string => `
kind: Webhook
spec:
  name: ${name}
  kind: hmac
  secretEnv: ODOMETER_WEBHOOK_SECRET_HOOK
  signature: { header: x-signature }
  type: builds
  fields: { id: id, ${time} project: { fixed: acme/website } }
`;

const log = (name: string, of: string): string => `
kind: PulledLog
spec:
  name: ${name}
  webhook: ${of}
  url: https://logs.example.org/v1
  checkpoint: { parameter: from, next: { link: next } }
  authorization: { type: bearer, tokenEnv: ODOMETER_PULL_SECRET_LOGS }
`;

test('a log needs a webhook that says what its items are, and when they happened', async () => {
  await expect(apply(log('builds', 'builds'))).rejects.toThrow('there is no webhook builds');
  await apply(webhook('builds'));
  await expect(apply(log('builds', 'builds'))).rejects.toThrow(
    'webhook builds does not say where the time of an item is (fields.time)',
  );
  await apply(webhook('builds', 'time: at,'));
  expect(await apply(log('builds', 'builds'))).toMatchObject([{ action: 'create' }]);
  expect(await apply(log('builds', 'builds'))).toMatchObject([{ action: 'unchanged' }]);
});

test('its webhook may be declared beside it, and never another one: what was read would count twice', async () => {
  await apply(`${webhook('jobs', 'time: at,')}---${log('jobs', 'jobs')}`);
  await apply(webhook('others', 'time: at,'));
  await expect(apply(log('jobs', 'others'))).rejects.toThrow('webhook cannot be changed from jobs');
});
