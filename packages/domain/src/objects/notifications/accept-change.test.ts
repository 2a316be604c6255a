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

const NOW_MS = 1_700_000_060_000;
const accept = (declaration: ReturnType<typeof declared>, of: NotifiedChange) =>
  acceptChange(3, declaration, of, NOW_MS);

test('a change is the ledger’s, with the bucket’s id', () => {
  expect(accept(declared(), change)).toEqual({
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
  expect(accept(declared(), ofEventBridge)).toMatchObject({
    kind: 'refused',
    reason: 'other_form',
  });
  expect(accept(declared({}, { form: 'eventbridge' }), change)).toMatchObject({
    reason: 'other_form',
  });
  expect(accept(declared({}, { form: 'eventbridge' }), ofEventBridge)).toMatchObject({
    kind: 'change',
  });
});

test('a null version that nothing orders is refused aloud, not dropped or guessed', () => {
  expect(accept(declared(), unordered)).toMatchObject({
    kind: 'refused',
    reason: 'no_sequencer',
  });
});

test('a version of its own needs no order', () => {
  expect(accept(declared(), { ...unordered, version: 'v1' })).toMatchObject({
    change: { version: 'v1', sequencer: '' },
  });
});

test('where the store’s clock is trusted, time is the order, and sequencers are not', () => {
  const byTime = declared({ order: 'event_time' });
  const sequencerAt = (atMs: number, of: NotifiedChange = unordered) => {
    const accepted = accept(byTime, { ...of, atMs });
    return accepted.kind === 'change' ? accepted.change.sequencer : undefined;
  };
  const [earlier, later] = [sequencerAt(1_700_000_000_000), sequencerAt(1_700_000_000_001)];
  expect(earlier !== undefined && later !== undefined && earlier < later).toBe(true);
  expect(sequencerAt(1_700_000_000_000, change)).toBe(earlier);
});

test('a bucket that is declared to send nothing is told nothing', () => {
  expect(accept(declared({ notifications: { kind: 'none' } }), change)).toMatchObject({
    kind: 'refused',
    reason: 'not_expected',
  });
});

test('nothing has happened later than now, whatever a store’s clock says', () => {
  const atMs = Date.parse('9999-12-31T23:59:59Z');
  expect(accept(declared(), { ...change, atMs })).toMatchObject({
    change: { sequencer: '0055AED6DCD90281E5', atMs: NOW_MS },
  });
});

test('where time is the order, one that is minutes ahead is refused: nothing would come after it', () => {
  const byTime = declared({ order: 'event_time' });
  expect(accept(byTime, { ...unordered, atMs: NOW_MS + 300_001 })).toMatchObject({
    kind: 'refused',
    reason: 'clock_ahead',
    detail: expect.stringContaining('2023-11-14T22:19:20'),
  });
  expect(accept(byTime, { ...unordered, atMs: NOW_MS + 300_000 })).toMatchObject({
    change: { atMs: NOW_MS },
  });
});
