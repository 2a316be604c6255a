import { expect, test } from '@jest/globals';
import { bucketDeclarationSchema } from '@odometer/domain/objects/bucket-declaration';
import { snsEnvelope } from '@odometer/s3-simulator/notification';
import { message, putRecord } from '../watcher.fixture.ts';
import { sortRecords } from './sort-records.ts';

const notifications = { kind: 'sqs', queueUrl: 'http://127.0.0.1/q' };
const declared = (id: number, name: string, more: object = {}) => ({
  id,
  declaration: bucketDeclarationSchema.parse({ name, bucket: name, notifications, ...more }),
});
const none = new Map<string, string>();

test('records go to the bucket that they name, in order', () => {
  const text = message(putRecord('b', '1'), putRecord('a', '2'), putRecord('b', '3'));
  const { changes } = sortRecords(text, [declared(1, 'a'), declared(2, 'b')], none);
  expect(changes.map(({ bucketId, key }) => [bucketId, key])).toEqual([
    [2, '1'],
    [1, '2'],
    [2, '3'],
  ]);
});

test('what is of no declared bucket is counted, and no more', () => {
  const sorted = sortRecords(message(putRecord('x', '1')), [declared(1, 'a')], none);
  expect(sorted).toEqual({ changes: [], refused: [], ignored: [], undeclared: 1 });
});

test('two stores with a bucket of one name at one source: the record is refused, not guessed at', () => {
  const both = [
    declared(1, 'a'),
    declared(2, 'other', { bucket: 'a', endpoint: 'http://minio:9000' }),
  ];
  const text = message(putRecord('a', '1'));
  expect(sortRecords(text, both, none).refused).toEqual([{ reason: 'ambiguous_bucket', text }]);
});

test('of another form than declared: refused alone, its neighbours are taken', () => {
  const eventbridge = declared(2, 'b', {
    notifications: { ...notifications, form: 'eventbridge' },
  });
  const bad = putRecord('b', '2');
  const text = snsEnvelope(message(putRecord('a', '1'), bad, putRecord('a', '3')));
  const { changes, refused } = sortRecords(text, [declared(1, 'a'), eventbridge], none);
  expect(changes.map(({ key }) => key)).toEqual(['1', '3']);
  expect(refused).toEqual([{ reason: 'other_form', text: message(bad) }]);
});
