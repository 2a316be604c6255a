import { expect, test } from '@jest/globals';
import { bucketDeclarationSchema } from '../bucket-declaration.ts';
import type { NotifiedChange } from './decoded-record.ts';
import { findChange } from './find-change.ts';

const declared = (id: number, name: string, more: object = {}) => ({
  id,
  declaration: bucketDeclarationSchema.parse({
    name,
    bucket: name,
    notifications: { kind: 'sqs', queueUrl: 'http://127.0.0.1/q' },
    ...more,
  }),
});
const NOW_MS = 1_000;
const change: NotifiedChange = {
  bucket: 'a',
  form: 's3',
  key: 'k',
  version: '',
  action: 'created',
  sizeBytes: 1,
  sequencer: 'A1',
  atMs: 0,
};

test('a change is of the bucket that it names', () => {
  expect(findChange([declared(1, 'b'), declared(2, 'a')], change, NOW_MS)).toMatchObject({
    kind: 'change',
    change: { bucketId: 2, key: 'k' },
  });
});

test('a bucket that is not declared for the source is no refusal: it is somebody else’s', () => {
  expect(findChange([declared(1, 'b')], change, NOW_MS)).toMatchObject({ kind: 'undeclared' });
});

test('two stores with a bucket of one name are not guessed between', () => {
  const both = [declared(1, 'a'), declared(2, 'b', { bucket: 'a', endpoint: 'http://minio' })];
  expect(findChange(both, change, NOW_MS)).toMatchObject({
    kind: 'refused',
    reason: 'ambiguous_bucket',
  });
});

test('what the declaration does not allow is refused with its reason', () => {
  const other = declared(1, 'a', {
    notifications: { kind: 'sqs', queueUrl: 'http://127.0.0.1/q', form: 'eventbridge' },
  });
  expect(findChange([other], change, NOW_MS)).toMatchObject({
    kind: 'refused',
    reason: 'other_form',
  });
});
