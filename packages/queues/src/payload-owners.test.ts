import { expect, test } from '@jest/globals';
import { payloadOwners } from './payload-owners.ts';

test('batches, single events and flushes name their organizations once', () => {
  const events = ['acme', 'zeta', 'acme'].map((organization) => ({ organization }));
  expect(payloadOwners({ events, frozenAtMs: 5 })).toEqual({
    organizations: ['acme', 'zeta'],
    acceptedAtMs: 5,
  });
  expect(payloadOwners({ event: { organization: 'acme', ingestedAtMs: 7 }, index: 1 })).toEqual({
    organizations: ['acme'],
    acceptedAtMs: 7,
  });
  const hours = [{ hourMs: 0, counts: [['acme', 'web', '', 1, 1, 1, 0, 0, 0]] }];
  expect(payloadOwners({ hours, frozenAtMs: 9 })).toEqual({
    organizations: ['acme'],
    acceptedAtMs: 9,
  });
});

test('messages with ids name their organizations, and garbage among them nobody’s', () => {
  const messages = ['acme', 'zeta', 'acme'].map((organization) => ({ organization, id: '1' }));
  expect(payloadOwners({ messages, frozenAtMs: 3 })).toEqual({
    organizations: ['acme', 'zeta'],
    acceptedAtMs: 3,
  });
  expect(payloadOwners({ messages: [null] }).organizations).toBeNull();
});

test('a job that carries no usage concerns nobody; garbage may concern everybody', () => {
  expect(payloadOwners({ bell: 'hourly' }).organizations).toEqual([]);
  for (const garbage of [
    null,
    'text',
    { events: [null] },
    { event: 1 },
    { hours: [{}] },
    { hours: [{ counts: [7] }] },
  ]) {
    expect(payloadOwners(garbage).organizations).toBeNull();
  }
});
