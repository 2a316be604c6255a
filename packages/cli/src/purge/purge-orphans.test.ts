import { DeleteObjectsCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { AwsClients } from '@odometer/aws/aws-clients';
import { recordDeletedOwners } from '@odometer/database/objects/deleted-owners';
import { createPool, type Pool } from '@odometer/database/pool';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import { type FakeS3Server, startFakeS3Server } from '@odometer/testing/fake-s3-server';
import { ACCESS_DENIED } from '@odometer/testing/misbehaving-server';
import { runOdometer } from '@odometer/testing/run-odometer';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { chooseOwners } from './chosen-owners.ts';
import { purgeOrphans } from './purge-orphans.ts';

/** A real ledger in Postgres, and a store that is asked in S3's own words. */

// Every run is a process that starts, which takes seconds on a machine that is busy with other tests.
jest.setTimeout(120_000);

const AWS = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
};

let database: TestDatabase;
let pool: Pool;
let bucket: SimulatedBucket;
let store: FakeS3Server;
beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 3 }, () => {});
  let nowMs = 1_700_000_000_000;
  bucket = new SimulatedBucket({
    name: 'assets',
    now: () => {
      nowMs += 1_000;
      return nowMs;
    },
  });
  store = await startFakeS3Server([bucket]);
  await pool.query(`
    insert into organizations (slug) values ('acme');
    insert into projects (organization_id, slug) values (1, 'web'), (1, 'app');
  `);
  await declare({});
});
afterEach(async () => {
  await store.close();
  await pool.end();
  await database.drop();
});

async function declare(more: object): Promise<void> {
  const declaration = {
    name: 'assets',
    bucket: 'assets',
    endpoint: store.url,
    forcePathStyle: true,
    notifications: { kind: 'none' },
    ...more,
  };
  await pool.query(
    `insert into buckets (name, bucket, region, endpoint, declaration) values ('assets', 'assets', 'us-east-1', $1, $2)
     on conflict (name) do update set declaration = excluded.declaration`,
    [store.url, JSON.stringify(declaration)],
  );
}

/** Puts what lies in the bucket into the ledger, as the worker would. */
async function fillLedger(): Promise<void> {
  for (const { key, version, sizeBytes, isDeleteMarker } of bucket.versions()) {
    if (isDeleteMarker) continue;
    const [, project, , scene] = key.split('/');
    await pool.query(
      `insert into stored_objects (bucket_id, key, version, organization_id, project_id, metered_object_type, object_id,
         size_bytes, live, sequencer, created_at, changed_at)
       values (1, $1, $2, 1, $3, 'scene', $4, $5, true, 'A', now(), now())`,
      [key, version, project === 'web' ? 1 : 2, scene, sizeBytes],
    );
  }
}

async function deleteScene(projectId: string, objectId: string): Promise<void> {
  await recordDeletedOwners(pool, [
    {
      projectId,
      objectType: 'scene',
      objectId,
      deletedAtMs: Date.now(),
      recordedBy: 'event:my-app',
    },
  ]);
}

const purge = (...args: readonly string[]) =>
  runOdometer(['purge-objects', ...args], { DATABASE_URL: database.url, ...AWS });
/** Looks at what there is, as one does, and confirms that. */
const confirm = async (...args: readonly string[]) =>
  purge(...args, '--confirm', await shownToken(...args));
async function shownToken(...args: readonly string[]): Promise<string> {
  const { stdout } = await purge(...args.filter((arg) => arg !== '--json'));
  const [, token] = / --confirm (\S+)\n/.exec(stdout) ?? [];
  if (token === undefined) throw new Error(`no token in: ${stdout}`);
  return token;
}
const tokenOfAll = async () => (await chooseOwners(pool, {})).token ?? '';

test('shows what deleted owners have left behind, and deletes nothing before it is confirmed', async () => {
  for (const key of ['acme/web/scenes/7/a', 'acme/web/scenes/7/b', 'acme/web/scenes/70/a']) {
    bucket.put(key, 1_000);
  }
  await fillLedger();
  expect((await purge()).stdout).toBe('No object has lost its owner.\n');
  await deleteScene('1', '7');
  const shown = await purge();
  expect(shown.stdout).toMatch(/assets +acme\/web +scene +7 .* event:my-app .* 2 +2,000\n/);
  expect(shown.stdout).toContain('Nothing was deleted.');
  expect((await purge('--json')).json()).toMatchObject({
    owners: [{ objectId: '7', objects: 2, bytes: 2000, recordedBy: 'event:my-app' }],
  });
  expect(bucket.keys()).toHaveLength(3);
  expect(store.requests).toEqual([]);
});

test('deletes them, those of one project if asked, and nothing that has an owner; safe to repeat', async () => {
  for (const key of ['acme/web/scenes/7/a', 'acme/web/scenes/8/a', 'acme/app/scenes/7/a']) {
    bucket.put(key, 10);
  }
  await fillLedger();
  await deleteScene('1', '7');
  await deleteScene('2', '7');
  expect((await confirm('--project', 'acme/web', '--json')).json()).toMatchObject({
    deleted: 1,
    refused: 0,
    refusals: [],
  });
  expect(bucket.keys()).toEqual(['acme/app/scenes/7/a', 'acme/web/scenes/8/a']);
  expect((await confirm()).stdout).toContain('2 objects were deleted');
  expect(bucket.keys()).toEqual(['acme/web/scenes/8/a']);
  const { rows } = await pool.query(
    "select subject, detail from audit_log where action = 'orphans.purge'",
  );
  expect(rows).toEqual([
    { subject: 'assets', detail: { deleted: 1, refused: 0 } },
    { subject: 'assets', detail: { deleted: 2, refused: 0 } },
  ]);
});

test('deletes what was shown, and no owner of whom somebody told since; the same token again after an interruption', async () => {
  for (const scene of ['7', '8', '9']) bucket.put(`acme/web/scenes/${scene}/a`, 10);
  await fillLedger();
  await deleteScene('1', '7');
  const token = await shownToken();
  await deleteScene('1', '8');
  await deleteScene('1', '9');
  expect((await purge('--confirm', token)).stdout).toContain('1 objects were deleted');
  expect(bucket.keys()).toEqual(['acme/web/scenes/8/a', 'acme/web/scenes/9/a']);
  await pool.query(`delete from stored_objects where object_id = '7'`);
  expect((await purge('--confirm', token)).stdout).toContain('0 objects were deleted');
  expect(bucket.keys()).toHaveLength(2);
});

test.each([
  ['an owner was taken back', () => pool.query(`delete from deleted_owners where object_id = '7'`)],
  [
    'an owner is told of late',
    () =>
      pool.query(
        `insert into deleted_owners select 1, 'scene', '9', now(), min(recorded_at), 'event:late' from deleted_owners`,
      ),
  ],
  ['the bucket is declared otherwise', () => declare({ types: [{ pattern: '…', type: 'scene' }] })],
  [
    'its keys are being mapped',
    () => pool.query('update buckets set mapping_version = mapping_version + 1'),
  ],
])('deletes nothing when %s since it was shown', async (_, happens) => {
  for (const scene of ['7', '8', '9']) bucket.put(`acme/web/scenes/${scene}/a`, 10);
  await fillLedger();
  await deleteScene('1', '7');
  await deleteScene('1', '8');
  const token = await shownToken();
  await happens();
  const refused = await purge('--confirm', token);
  expect(refused.stderr).toContain('nothing was deleted');
  expect(refused.exitCode).toBe(1);
  expect(bucket.keys()).toHaveLength(3);
});

test('deletes those of one type or id if asked, and with its token no others', async () => {
  for (const scene of ['7', '8']) bucket.put(`acme/web/scenes/${scene}/a`, 10);
  await fillLedger();
  await deleteScene('1', '7');
  await deleteScene('1', '8');
  const filters = ['--type', 'scene', '--id', '8'];
  const token = await shownToken(...filters);
  expect((await purge('--confirm', token)).exitCode).toBe(1);
  expect((await purge('--type', 'upload')).stdout).toBe('No object has lost its owner.\n');
  expect((await purge(...filters, '--confirm', token)).stdout).toContain('1 objects were deleted');
  expect(bucket.keys()).toEqual(['acme/web/scenes/7/a']);
  expect((await purge('--confirm')).exitCode).toBe(2);
  expect((await purge('--confirm', 'yes')).stderr).toContain('odometer purge-objects');
});

test('of a bucket with versions every version goes, the null version too: a delete marker would free nothing', async () => {
  bucket.put('acme/web/scenes/7/a', 1);
  bucket.setVersioning('enabled');
  bucket.put('acme/web/scenes/7/a', 2);
  bucket.put('acme/web/scenes/7/b', 3);
  bucket.delete('acme/web/scenes/7/b');
  await fillLedger();
  await deleteScene('1', '7');
  expect((await confirm('--json')).json()).toMatchObject({ deleted: 3 });
  expect(bucket.totals()).toEqual({ bytes: 0n, objects: 0 });
});

test('of what a store refuses the count is told and a few are shown; a bucket is asked for its versioning once', async () => {
  await pool.query(
    `insert into stored_objects (bucket_id, key, organization_id, project_id, metered_object_type, object_id, size_bytes, live,
       sequencer, created_at, changed_at)
     select 1, 'acme/web/scenes/7/' || n, 1, 1, 'scene', '7', 1, true, 'A', now(), now() from generate_series(1, 1500) n`,
  );
  await deleteScene('1', '7');
  const asked: string[] = [];
  const denied = Array.from({ length: 700 }, () => ({ Key: 'k', Message: 'it is locked' }));
  class Refusing extends AwsClients {
    override s3(): S3Client {
      const send = async (command: object) => {
        asked.push(command.constructor.name);
        return command instanceof DeleteObjectsCommand ? { Errors: denied } : {};
      };
      return { send } as unknown as S3Client;
    }
  }
  const clients = new Refusing();
  const purged = await purgeOrphans(pool, clients, {
    filter: {},
    token: await tokenOfAll(),
    roleArn: undefined,
    actor: 'test',
    onProgress: () => {},
  });
  await clients.stop();
  expect(purged).toMatchObject({ deleted: 100, refused: 1_400 });
  expect(purged.refusals).toHaveLength(5);
  expect(asked).toEqual([
    'GetBucketVersioningCommand',
    'DeleteObjectsCommand',
    'DeleteObjectsCommand',
  ]);
});

test('deletes no more once keys have come to mean something else', async () => {
  for (let index = 0; index < 1_500; index += 1) bucket.put(`acme/web/scenes/7/${index}`, 1);
  await fillLedger();
  await deleteScene('1', '7');
  process.env.AWS_ACCESS_KEY_ID = AWS.AWS_ACCESS_KEY_ID;
  process.env.AWS_SECRET_ACCESS_KEY = AWS.AWS_SECRET_ACCESS_KEY;
  class Interrupted extends AwsClients {
    override s3(target: Parameters<AwsClients['s3']>[0]): S3Client {
      const client = super.s3(target);
      const send = async (command: DeleteObjectsCommand) => {
        const answer = await client.send(command);
        if (command instanceof DeleteObjectsCommand) {
          await declare({ keys: '{project}/…', organization: 'elsewhere' });
        }
        return answer;
      };
      return { send } as unknown as S3Client;
    }
  }
  const clients = new Interrupted();
  const purged = purgeOrphans(pool, clients, {
    filter: {},
    token: await tokenOfAll(),
    roleArn: undefined,
    actor: 'test',
    onProgress: () => {},
  });
  await expect(purged).rejects.toThrow('1000 objects were deleted and no more, because');
  await clients.stop();
  expect(bucket.keys()).toHaveLength(500);
});

test('a store that lets us not in is one sentence, and 1', async () => {
  bucket.put('acme/web/scenes/7/a', 1);
  await fillLedger();
  await deleteScene('1', '7');
  store.misbehave = () => ACCESS_DENIED;
  const run = await confirm();
  expect(run.exitCode).toBe(1);
  expect(run.stderr).toMatch(/^odometer: the bucket assets does not let us in: .*\n$/);
  expect(bucket.keys()).toHaveLength(1);
});

test('where keys are hashed nothing can be deleted, and that is said', async () => {
  await declare({ ledger: 'hashed' });
  bucket.put('acme/web/scenes/7/a', 1);
  await fillLedger();
  await deleteScene('1', '7');
  expect((await confirm()).stdout).toContain('1 lie in buckets whose ledger is hashed');
  expect(store.requests).toEqual([]);
});

test('where this version cannot read the declaration nothing is deleted, and that is said', async () => {
  await declare({ order: 'by moonlight' });
  bucket.put('acme/web/scenes/7/a', 1);
  await fillLedger();
  await deleteScene('1', '7');
  const refused = await confirm();
  expect(refused.stdout).toContain('its bucket is declared by another version of Odometer');
  expect(refused.exitCode).toBe(1);
});

test('an unknown project or bucket is said to be so', async () => {
  expect((await purge('--project', 'acme/nothing')).stderr).toContain('acme/nothing');
  expect((await purge('--bucket', 'nothing')).stderr).toContain('there is no bucket nothing');
});

test('clients are those of the one who asks: the role of the declaration only reads', async () => {
  const roles: (string | undefined)[] = [];
  class Watched extends AwsClients {
    override s3(target: Parameters<AwsClients['s3']>[0]) {
      roles.push(target.roleArn);
      return super.s3(target);
    }
  }
  await declare({ roleArn: 'arn:aws:iam::123456789012:role/reads-only' });
  bucket.put('acme/web/scenes/7/a', 1);
  await fillLedger();
  await deleteScene('1', '7');
  const clients = new Watched();
  // Credentials this process may have none of; whose they are is decided before.
  await Promise.allSettled([
    purgeOrphans(pool, clients, {
      filter: {},
      token: await tokenOfAll(),
      roleArn: undefined,
      actor: 'test',
      onProgress: () => {},
    }),
  ]);
  await clients.stop();
  expect(roles).toEqual([undefined]);
});
