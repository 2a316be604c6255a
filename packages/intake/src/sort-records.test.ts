import { describe, expect, test } from '@jest/globals';
import { type EventEnvelope, eventFingerprint, eventKey } from '@odometer/domain/event-envelope';
import { webhookDeclarationSchema } from '@odometer/domain/webhook-declaration';
import { sortRecords } from './sort-records.ts';

const webhook = webhookDeclarationSchema.parse({
  name: 'auth0',
  kind: 'auth0',
  tokenHash: 'ab'.repeat(32),
  fields: { project: { field: 'client_name', names: { App: 'acme/website' } } },
});
const nowMs = Date.parse('2026-11-05T10:00:00Z');
const context = {
  bounds: { maxFutureMs: 300_000, maxAgeMs: 86_400_000, maxEventBytes: 65_536 },
  defaultOrganization: 'default',
  nowMs,
};
const log = {
  date: '2026-11-05T09:59:00.123Z',
  type: 's',
  client_name: 'App',
  user_id: 'auth0|1',
  log_id: '90020261105095900123000',
  _id: '90020261105095900123000',
};
const identity = (event: EventEnvelope) => [
  eventKey(event.organization, event.source, event.id),
  eventFingerprint(event),
];

test('a log is the same event whether a stream delivers it or the management API answers it, now or later', () => {
  const { log_id, ...inStream } = log;
  const forms: readonly (readonly [unknown, number])[] = [
    [log, nowMs],
    [{ log_id, data: log }, nowMs],
    [{ log_id, data: inStream }, nowMs + 3_600_000],
    [{ ...log, user_name: 'said by one of them only', details: { loginsCount: 5 } }, nowMs],
  ];
  const events = forms.flatMap(([record, at]) => [
    ...sortRecords(webhook, [record], { ...context, nowMs: at }).events,
  ]);
  expect(events).toHaveLength(forms.length);
  expect(new Set(events.map((event) => JSON.stringify(identity(event)))).size).toBe(1);
});

test('a record without a time happens when it comes, and is refused of those who come later than it happened', () => {
  const { date: _date, ...timeless } = log;
  expect(sortRecords(webhook, [timeless], context).events).toHaveLength(1);
  expect(sortRecords(webhook, [timeless, log], { ...context, needsTime: true })).toMatchObject({
    events: [{ project: 'website' }],
    rejected: { unmapped: 1 },
  });
});

describe('each record by itself', () => {
  test('is an event, ignored or rejected with its reason', () => {
    const records = [
      log,
      { ...log, type: 'ssa' },
      { ...log, client_name: 'Unlisted' },
      { ...log, date: '2026-11-01T00:00:00Z' },
      'no record',
    ];
    expect(sortRecords(webhook, records, context)).toMatchObject({
      events: [{ organization: 'acme', project: 'website', source: 'auth0/auth0' }],
      ignored: 1,
      rejected: { unmapped: 2, time: 1 },
      rejectedCount: 3,
    });
  });
});
