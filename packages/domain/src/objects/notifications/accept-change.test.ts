import { expect, test } from '@jest/globals';
import { bucketDeclarationSchema } from '../bucket-declaration.ts';
import { acceptChange } from './accept-change.ts';
import type { NotifiedChange } from './decoded-record.ts';

const change: NotifiedChange = {
  bucket: 'acme-assets',
  form: 's3',
  key: 'acme/robots/a',
  version: '',
  action: 'created',
  sizeBytes: 7,
  sequencer: '0055AED6DCD90281E5',
  atMs: 1_700_000_000_000,
};
const { sequencer: _, ...unordered } = change;

function declared(members: object = {}, notifications: object = {}) {
  return bucketDeclarationSchema.parse({
    name: 'assets',
    bucket: 'acme-assets',
    notifications: { kind: 'sqs', queueUrl: 'https://sqs.example/q', ...notifications },
    ...members,
  });
}

test('a change is the ledger’s, with the bucket’s id', () => {
  expect(acceptChange(3, declared(), change)).toEqual({
    kind: 'change',
    change: {
      bucketId: 3,
      key: 'acme/robots/a',
      version: '',
      action: 'created',
      sizeBytes: 7,
      sequencer: '0055AED6DCD90281E5',
      atMs: 1_700_000_000_000,
    },
  });
});

test('sequencers of another form than declared are never compared', () => {
  const ofEventBridge = { ...change, form: 'eventbridge' as const };
  expect(acceptChange(3, declared(), ofEventBridge)).toMatchObject({
    kind: 'refused',
    reason: 'other_form',
  });
  expect(acceptChange(3, declared({}, { form: 'eventbridge' }), change)).toMatchObject({
    reason: 'other_form',
  });
  expect(acceptChange(3, declared({}, { form: 'eventbridge' }), ofEventBridge)).toMatchObject({
    kind: 'change',
  });
});

test('a null version that nothing orders is refused aloud, not dropped or guessed', () => {
  expect(acceptChange(3, declared(), unordered)).toMatchObject({
    kind: 'refused',
    reason: 'no_sequencer',
  });
});

test('a version of its own needs no order', () => {
  expect(acceptChange(3, declared(), { ...unordered, version: 'v1' })).toMatchObject({
    change: { version: 'v1', sequencer: '' },
  });
});

test('where the store’s clock is trusted, time is the order, and sequencers are not', () => {
  const byTime = declared({ order: 'event_time' });
  const sequencerAt = (atMs: number, of: NotifiedChange = unordered) => {
    const accepted = acceptChange(3, byTime, { ...of, atMs });
    return accepted.kind === 'change' ? accepted.change.sequencer : undefined;
  };
  const [earlier, later] = [sequencerAt(1_700_000_000_000), sequencerAt(1_700_000_000_001)];
  expect(earlier !== undefined && later !== undefined && earlier < later).toBe(true);
  expect(sequencerAt(1_700_000_000_000, change)).toBe(earlier);
});

test('a bucket that is declared to send nothing is told nothing', () => {
  expect(acceptChange(3, declared({ notifications: { kind: 'none' } }), change)).toMatchObject({
    kind: 'refused',
    reason: 'not_expected',
  });
});
