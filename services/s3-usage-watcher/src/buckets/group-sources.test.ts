import { expect, test } from '@jest/globals';
import { bucketDeclarationSchema } from '@odometer/domain/objects/bucket-declaration';
import { groupSources } from './group-sources.ts';

const QUEUE = 'https://sqs.eu-west-1.amazonaws.com/111111111111/usage';

let lastId = 0;
const declare = (name: string, notifications: object, more: object = {}) => {
  lastId += 1;
  const declaration = bucketDeclarationSchema.parse({ name, bucket: name, notifications, ...more });
  return { id: lastId, declaration };
};
const group = (declared: readonly ReturnType<typeof declare>[]) =>
  groupSources({ installation: 'here', declared });
const namesOf = (buckets: readonly ReturnType<typeof declare>[] | undefined) =>
  buckets?.map(({ declaration }) => declaration.name);

test('buckets that share a queue, a topic or an address share the source', () => {
  const mqtt = { kind: 'mqtt', urlEnv: 'ODOMETER_STORAGE_SECRET_B', topic: 'stores' };
  const webhook = { kind: 'webhook', path: 'minio', tokenHash: '0'.repeat(64) };
  const { pulled, webhooks, disagreeing } = group([
    declare('a', { kind: 'sqs', queueUrl: QUEUE }),
    declare('b', { kind: 'sqs', queueUrl: QUEUE }),
    declare('c', { kind: 'sqs', queueUrl: `${QUEUE}-2` }),
    declare('d', mqtt),
    declare('e', mqtt),
    declare('f', { ...mqtt, topic: 'others' }),
    declare('g', webhook),
    declare('h', webhook),
    declare('i', { kind: 'none' }),
  ]);
  expect([...pulled.values()].map(({ buckets }) => namesOf(buckets))).toEqual([
    ['a', 'b'],
    ['c'],
    ['d', 'e'],
    ['f'],
  ]);
  expect([...webhooks].map(([path, buckets]) => [path, namesOf(buckets)])).toEqual([
    ['minio', ['g', 'h']],
  ]);
  expect(disagreeing).toEqual([]);
});

test("a queue is in its own region, else in the bucket's, and read with the bucket's role", () => {
  const roleArn = 'arn:aws:iam::111111111111:role/usage';
  const { pulled } = group([
    declare('a', { kind: 'sqs', queueUrl: QUEUE }, { region: 'eu-west-1', roleArn }),
    declare('b', { kind: 'sqs', queueUrl: `${QUEUE}-2`, region: 'eu-north-1' }),
  ]);
  expect([...pulled.values()].map(({ spec }) => spec)).toMatchObject([
    { region: 'eu-west-1', roleArn },
    { region: 'eu-north-1', roleArn: undefined },
  ]);
});

test('a queue that two buckets declare with different roles is read as the first one says, and the other is told', () => {
  const { pulled, disagreeing } = group([
    declare('a', { kind: 'sqs', queueUrl: QUEUE }, { region: 'eu-west-1' }),
    declare('b', { kind: 'sqs', queueUrl: QUEUE }, { region: 'eu-west-2' }),
  ]);
  expect([...pulled.values()]).toMatchObject([{ spec: { region: 'eu-west-1' } }]);
  expect(disagreeing).toEqual(['b']);
});
