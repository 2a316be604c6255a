import { expect, test } from '@jest/globals';
import { webhookDeclarationSchema } from '../webhook-declaration.ts';
import { mapWebhookRecord, unwrapRecords } from '../webhook-event.ts';

const webhook = webhookDeclarationSchema.parse({
  name: 'registry',
  kind: 'distribution',
  tokenHash: '0'.repeat(64),
  owners: [{ repository: '{organization}/{project}/…' }],
  ignoreActors: ['odometer'],
});

const event = (change: object = {}) => ({
  id: '320678d8-ca14-430f-8bb6-4ca139cd83f7',
  timestamp: '2026-11-22T10:00:00.123456789Z',
  action: 'pull',
  target: {
    mediaType: 'application/octet-stream',
    size: 708,
    digest: `sha256:${'a'.repeat(64)}`,
    length: 708,
    repository: 'acme/robots/web',
  },
  request: { method: 'GET' },
  actor: {},
  ...change,
});

test('a pull is bytes down, a push is bytes up', () => {
  expect(mapWebhookRecord(webhook, event())).toMatchObject({
    kind: 'event',
    event: {
      id: '320678d8-ca14-430f-8bb6-4ca139cd83f7',
      source: 'distribution/registry',
      type: 'docker_download_bytes',
      subject: 'acme/robots',
      time: '2026-11-22T10:00:00.123456789Z',
      data: { value: 708 },
    },
  });
  expect(mapWebhookRecord(webhook, event({ action: 'push' }))).toMatchObject({
    event: { type: 'docker_upload_bytes' },
  });
});

test.each([
  { action: 'mount' },
  { action: 'delete' },
  { request: { method: 'HEAD' } },
  { actor: { name: 'odometer' } },
])('%j is no transfer', (change) => {
  expect(mapWebhookRecord(webhook, event(change))).toEqual({ kind: 'ignored' });
});

const read = (request: object = {}, change: object = {}) =>
  event({
    request: { method: 'GET', useragent: 'odometer', ...request },
    target: { ...event().target, mediaType: 'application/vnd.oci.image.manifest.v1+json' },
    ...change,
  });

test('our own read of a manifest is no transfer, where nobody has to say who he is', () => {
  for (const own of [read(), read({ useragent: 'odometer/1.2.0' }, { actor: { name: '' } })]) {
    expect(mapWebhookRecord(webhook, own)).toEqual({ kind: 'ignored' });
  }
});

test.each([
  ['another agent', read({ useragent: 'odometer-of-a-car/1.0' })],
  ['no agent', read({ useragent: undefined })],
  ['somebody, whatever he calls his agent', read({}, { actor: { name: 'ci' } })],
  ['a push', read({}, { action: 'push' })],
  ['a layer', read({}, { target: event().target })],
])('%s moves bytes', (_what, record) => {
  expect(mapWebhookRecord(webhook, record)).toMatchObject({ kind: 'event' });
});

test.each([
  { action: 'fetch' },
  { id: '' },
  { target: { repository: 'nginx', size: 1 } },
  { target: { repository: 'acme/robots/web' } },
  { target: { repository: 'acme/robots/web', size: 2 ** 53 } },
  { target: { repository: 'acme/robots/web', size: -1 } },
  { target: { size: 1 } },
  { target: null },
])('%j maps to nothing', (change) => {
  expect(mapWebhookRecord(webhook, event(change))).toMatchObject({ kind: 'unmapped' });
});

test('an envelope is opened, and what is none is one record', () => {
  expect(unwrapRecords(webhook, [{ events: [1, 2] }, { event: 3 }, 'x'])).toEqual([
    1,
    2,
    { event: 3 },
    'x',
  ]);
});
