import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type WebhookDeclaration, webhookDeclarationSchema } from './webhook-declaration.ts';
import { mapWebhookRecord } from './webhook-event.ts';
import { UNREADABLE_RECORD, webhookRecords } from './webhook-records.ts';

const auth0 = (project: object): WebhookDeclaration =>
  webhookDeclarationSchema.parse({
    name: 'tenant',
    kind: 'auth0',
    organization: 'acme',
    tokenHash: '0'.repeat(64),
    fields: { project },
  });

const login = {
  log_id: '90020260101',
  data: {
    type: 's',
    date: '2026-01-01T00:00:00.000Z',
    user_id: 'auth0|1',
    client_id: 'abc',
    client_name: 'My App (production)',
  },
};

describe("Auth0's log stream", () => {
  test("a login becomes an event with the log's id, the user in its data and the project of its field", () => {
    const webhook = auth0({ field: 'client_name', names: { 'My App (production)': 'website' } });
    const event = {
      specversion: '1.0',
      id: '90020260101',
      source: 'auth0/tenant',
      type: 'logins',
      subject: 'website',
      time: '2026-01-01T00:00:00.000Z',
      data: { user: 'auth0|1' },
    };
    expect(mapWebhookRecord(webhook, login)).toEqual({ kind: 'event', event });
    const bare = { ...login.data, log_id: login.log_id };
    expect(mapWebhookRecord(webhook, bare)).toEqual({ kind: 'event', event });
  });

  test('what is no login by a person is ignored', () => {
    for (const type of ['f', 'fp', 'ssa', 'seacft', 'slo']) {
      const record = { ...login, data: { ...login.data, type } };
      expect(mapWebhookRecord(auth0({ fixed: 'website' }), record)).toEqual({ kind: 'ignored' });
    }
  });

  test('a login of an unknown application goes where the declaration says, or is refused', () => {
    const names = { other: 'website' };
    expect(mapWebhookRecord(auth0({ field: 'client_id', names }), login)).toMatchObject({
      kind: 'unmapped',
    });
    expect(
      mapWebhookRecord(auth0({ field: 'client_id', names, otherwise: 'rest' }), login),
    ).toMatchObject({ kind: 'event', event: { subject: 'rest' } });
  });
});

test('an id that JSON.parse has rounded is refused: two records could share it', () => {
  const webhook = webhookDeclarationSchema.parse({
    name: 'ci',
    kind: 'hmac',
    secretEnv: 'ODOMETER_WEBHOOK_SECRET_CI',
    signature: { header: 'X-Signature' },
    type: 'deployments',
    fields: { id: 'run.id', value: 'run.count', project: { field: 'project' } },
  });
  const record = (id: string) => JSON.parse(`{"project":"o/p","run":{"id":${id},"count":"2"}}`);
  expect(mapWebhookRecord(webhook, record('9007199254740993'))).toMatchObject({ kind: 'unmapped' });
  expect(mapWebhookRecord(webhook, record('42'))).toMatchObject({
    kind: 'event',
    event: { id: '42', subject: 'o/p', data: { value: '2' }, source: 'hmac/ci' },
  });
});

test.each([
  { name: 'storage' },
  { name: 'A' },
  { tokenHash: 'secret' },
  { fields: { project: { fixed: 'a/b/c' } } },
  { fields: { project: {} } },
  { unknown: 1 },
])('a declaration with %j is refused', (change) => {
  const declaration = {
    name: 'tenant',
    kind: 'auth0',
    tokenHash: '0'.repeat(64),
    fields: { project: { fixed: 'p' } },
  };
  expect(webhookDeclarationSchema.safeParse(declaration).success).toBe(true);
  expect(webhookDeclarationSchema.safeParse({ ...declaration, ...change }).success).toBe(false);
});

test('a secret can only be read from the variables that are meant for it', () => {
  const declaration = (secretEnv: string) => ({
    name: 'ci',
    kind: 'hmac',
    secretEnv,
    signature: { header: 'x' },
    type: 't',
    fields: { id: 'id', project: { fixed: 'p' } },
  });
  expect(webhookDeclarationSchema.safeParse(declaration('DATABASE_URL')).success).toBe(false);
});

describe('the records of a body', () => {
  test('come as an array, lines, or one object', () => {
    expect(webhookRecords('[{"a":1},{"a":2}]')).toHaveLength(2);
    expect(webhookRecords('{"a":1}\r\n\n{"a":2}\n')).toEqual([{ a: 1 }, { a: 2 }]);
    expect(webhookRecords('{"a":\n1}')).toEqual([{ a: 1 }]);
  });

  test('that cannot be read do not hide the others', () => {
    expect(webhookRecords('{"a":1}\ngarbage\n{"a":2}')).toEqual([
      { a: 1 },
      UNREADABLE_RECORD,
      { a: 2 },
    ]);
    expect(webhookRecords('garbage')).toBeUndefined();
    expect(webhookRecords('')).toBeUndefined();
  });

  test('whatever they are, each becomes an event, is ignored, or is refused with a reason', () => {
    const webhooks = [
      auth0({ field: 'client_id', names: { __proto__x: 'p' } }),
      auth0({ field: '__proto__.constructor.name' }),
      auth0({ fixed: 'p' }),
    ];
    const record = fc.oneof(
      fc.anything(),
      fc.record({
        log_id: fc.anything(),
        data: fc.record({ type: fc.constant('s'), client_id: fc.anything() }),
      }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...webhooks), record, (webhook, value) => {
        const mapped = mapWebhookRecord(webhook, value);
        if (mapped.kind === 'unmapped') expect(mapped.reason).not.toBe('');
        if (mapped.kind === 'event') {
          expect(typeof mapped.event.id).toBe('string');
          expect(typeof mapped.event.subject).toBe('string');
          expect(mapWebhookRecord(webhook, value)).toEqual(mapped);
        }
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        webhookRecords(body);
      }),
    );
  });
});
