import { expect, test } from '@jest/globals';
import { catalogueVersion } from '@odometer/database/meters/catalogue';
import { bucketsToMap } from '@odometer/database/objects/buckets';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { applyDeclarations } from './apply-declarations.ts';
import { readDeclarations } from './read-declarations.ts';

const { pool } = useTestDatabase();

const bucket = (name: string, change: object = {}): string =>
  JSON.stringify({
    kind: 'Bucket',
    spec: {
      name,
      bucket: `acme-${name}`,
      notifications: { kind: 'sqs', queueUrl: 'https://sqs.eu-central-1.amazonaws.com/1/q' },
      ...change,
    },
  });
const apply = async (text: string): Promise<readonly string[]> => {
  const changes = await applyDeclarations(pool, readDeclarations('FILE.yaml', text), {
    file: 'FILE.yaml',
    dryRun: false,
    actor: 'cli:test',
  });
  return changes.map(({ action }) => action);
};
/** Stores an object of the bucket, as a notification does. */
const store = (name: string, sequencer = 'A1') =>
  pool.query(
    `insert into stored_objects (bucket_id, key, metered_object_type, size_bytes, live, sequencer, created_at, changed_at)
     select id, 'k', 'object', 1, true, $2, now(), now() from buckets where name = $1`,
    [name, sequencer],
  );

test('one that this version cannot read is replaced while it is empty, and else refused in a sentence', async () => {
  await apply(`${bucket('older')}\n---\n${bucket('other')}`);
  await pool.query(
    `update buckets set declaration = declaration || '{"order": "by moonlight"}' where name = 'older'`,
  );
  expect(await apply(bucket('other'))).toEqual(['unchanged']);
  expect(await apply(bucket('older'))).toEqual(['update']);
  await store('older');
  await pool.query(
    `update buckets set declaration = declaration || '{"order": "by moonlight"}' where name = 'older'`,
  );
  await expect(apply(bucket('older'))).rejects.toThrow(/declared by another version of Odometer/);
});

test('a bucket is declared, is known again, and what its keys mean has its objects mapped again', async () => {
  const before = Number(await catalogueVersion(pool));
  expect(await apply(bucket('a'))).toEqual(['create']);
  expect(await apply(bucket('a'))).toEqual(['unchanged']);
  expect(await bucketsToMap(pool)).toEqual([]);
  await store('a');
  expect(await apply(bucket('a', { graceSeconds: 60 }))).toEqual(['update']);
  expect(await bucketsToMap(pool)).toEqual([]);
  expect(await apply(bucket('a', { types: [{ pattern: 'logs/…', type: 'log' }] }))).toEqual([
    'update',
  ]);
  expect(await bucketsToMap(pool)).toMatchObject([{ name: 'a', mappingVersion: 2 }]);
  expect(Number(await catalogueVersion(pool))).toBe(before + 3);
});

test.each([
  [{}, { bucket: 'other' }, 'bucket cannot be changed from acme-'],
  [{}, { region: 'eu-west-1' }, 'region cannot be changed from us-east-1 to eu-west-1'],
  [{}, { ledger: 'hashed' }, 'ledger cannot be changed from full to hashed'],
  [{ ledger: 'hashed' }, { ledger: 'hashed', keys: 'x/{organization}/{project}/…' }, 'keys cannot'],
  [{}, { order: 'event_time' }, 'order cannot be changed from sequencer to event_time'],
  [
    {},
    {
      notifications: {
        kind: 'sqs',
        queueUrl: 'https://sqs.eu-central-1.amazonaws.com/1/q',
        form: 'eventbridge',
      },
    },
    'notifications.form cannot be changed from s3 to eventbridge',
  ],
])(
  'what would make nonsense of what is stored is refused: %j → %j',
  async (first, second, reason) => {
    const name = `b${Math.random().toString(36).slice(2)}`;
    await apply(bucket(name, first));
    await apply(bucket(name, second));
    await apply(bucket(name, first));
    await store(name);
    await expect(apply(bucket(name, second))).rejects.toThrow(reason);
  },
);

test('a form that is declared away is remembered: what is stored still compares with no other', async () => {
  const queueUrl = 'https://sqs.eu-central-1.amazonaws.com/1/q';
  const form = (form: string) =>
    bucket('formed', { notifications: { kind: 'sqs', queueUrl, form } });
  const none = bucket('formed', { notifications: { kind: 'none' } });
  await apply(form('s3'));
  // Nothing is ordered by it yet.
  await apply(none);
  await apply(form('eventbridge'));
  await store('formed');
  expect(await apply(none)).toEqual(['update']);
  await expect(apply(form('s3'))).rejects.toThrow(
    'notifications.form cannot be changed from eventbridge to s3',
  );
  expect(await apply(form('eventbridge'))).toEqual(['update']);
});

test('what orders objects may be changed while only listings have told of them', async () => {
  await apply(bucket('listed'));
  await store('listed', '');
  expect(await apply(bucket('listed', { order: 'event_time' }))).toEqual(['update']);
});

test.each([
  ['once', {}, {}],
  ['in another region', {}, { region: 'eu-west-1' }],
  ['of another account', { account: '111111111111' }, { account: '222222222222' }],
  ['with a slash', { endpoint: 'http://h:1' }, { endpoint: 'http://h:1/' }],
  ['in capitals', { endpoint: 'http://h:1' }, { endpoint: 'http://H:1', region: 'eu-west-1' }],
])('a bucket of a store is declared under one name: %s', async (_what, first, second) => {
  const name = `b${Math.random().toString(36).slice(2)}`;
  const twice = bucket(`${name}-2`, { bucket: `acme-${name}`, ...second });
  const sentence = `the store’s bucket acme-${name} is declared already, as ${name}`;
  // In one file, too.
  await expect(apply(`${bucket(name, first)}\n---\n${twice}`)).rejects.toThrow(sentence);
  expect(await apply(bucket(name, first))).toEqual(['create']);
  await expect(apply(twice)).rejects.toThrow(sentence);
});

test('buckets of one name in two stores, or in two partitions of AWS, are two', async () => {
  const same = { bucket: 'everywhere' };
  const text = [
    bucket('here', same),
    bucket('own', { ...same, endpoint: 'http://h:1' }),
    bucket('china', { ...same, region: 'cn-north-1' }),
  ].join('\n---\n');
  expect(await apply(text)).toEqual(['create', 'create', 'create']);
});

test('one that is retired is declared anew once it is empty: whatever it is, and as if it had never been', async () => {
  await apply(bucket('left'));
  await store('left');
  const set = (text: string) => pool.query(`update buckets set ${text} where name = 'left'`);
  await set("retired_at = now(), declared_at = '2020-01-01', sequencer_form = 's3'");
  const other = bucket('left', { bucket: 'another', keys: '{project}/…', organization: 'acme' });
  await expect(apply(bucket('left'))).rejects.toThrow(/Bucket left: it is being retired/);
  await expect(apply(other)).rejects.toThrow(/Bucket left: it is being retired/);
  await pool.query(
    "delete from stored_objects where bucket_id = (select id from buckets where name = 'left')",
  );
  await set('emptied_at = now()');
  expect(await apply(other)).toEqual(['create']);
  const { rows } = await pool.query(
    `select bucket, retired_at, emptied_at, declared_at > now() - interval '1 minute' as is_new from buckets where name = 'left'`,
  );
  expect(rows).toEqual([{ bucket: 'another', retired_at: null, emptied_at: null, is_new: true }]);
});
