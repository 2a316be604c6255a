import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { eventually } from '@odometer/testing/eventually';
import { type OdometerRun, runOdometer } from '@odometer/testing/run-odometer';
import { type SpawnedService, spawnService } from '@odometer/testing/spawn-service';
import { startTestRedis } from '@odometer/testing/test-redis';
import {
  type BucketSystem,
  corrections,
  ledgerRows,
  openBucketSystem,
} from '../../../test/bucket-fixture.ts';
import { declareBucket, expectLevelsToAddUp } from '../../../test/object-fixture.ts';

// Commands and workers are processes of their own, which take seconds to start on a busy machine.
jest.setTimeout(120_000);

let redis: Awaited<ReturnType<typeof startTestRedis>>;
let system: BucketSystem;
let workers: SpawnedService[];
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  system = await openBucketSystem({ maxPage: 10, declaration: { listConcurrency: 2 } });
  workers = [];
});
afterEach(async () => {
  for (const worker of workers) await worker.kill('SIGTERM');
  await expectLevelsToAddUp(system.pool);
  await system.close();
});

async function startWorker(): Promise<SpawnedService> {
  const worker = await spawnService('stats-worker', {
    DATABASE_URL: system.url,
    REDIS_URL: redis.url,
    ODOMETER_WORKER_QUEUES: 'measure',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  workers.push(worker);
  await worker.ready();
  return worker;
}

const odometer = (...args: string[]): Promise<OdometerRun> =>
  runOdometer(args, { DATABASE_URL: system.url, REDIS_URL: redis.url });

test('a bucket is backfilled, shown, reconciled and measured by commands', async () => {
  for (let index = 0; index < 45; index += 1) {
    system.bucket.put(`acme/${index % 2 ? 'web' : 'app'}/logs/${index}`, 1_000 + index);
  }
  system.bucket.put('nobody-s', 7);
  const before = await odometer('buckets');
  expect(before.stdout).toMatch(/assets +acme-assets .* never measured/);
  await startWorker();

  const filled = await odometer('backfill', 's3', 'assets', '--json');
  expect(filled).toMatchObject({ exitCode: 0, stderr: '' });
  expect(filled.json()).toMatchObject([
    { target: 'assets', state: 'complete', figures: { ledger: { objects: '46', bytes: '45997' } } },
  ]);
  const rows = await ledgerRows(system);
  expect((await odometer('backfill', 's3', 'assets')).stdout).toMatch(
    /assets +46 +45,997 +0 +0 +0/,
  );
  expect(await ledgerRows(system)).toEqual(rows);
  const { stdout } = await odometer('buckets');
  expect(stdout).toMatch(/assets +acme-assets +us-east-1 +full +sqs +46 +45,997 +7 .* complete/);

  system.bucket.delete('acme/web/logs/1');
  system.bucket.delete('acme/web/logs/3');
  const dry = await odometer('reconcile', '--dry-run');
  expect(dry.exitCode).toBe(0);
  expect(dry.stdout).toContain('assets: nothing was changed. Some of what would be:');
  expect(dry.stdout).toMatch(/missed removal +acme\/web\/logs\/1 +1,001 +0/);
  expect(await ledgerRows(system)).toEqual(rows);
  const reconciled = await odometer('reconcile', 'assets');
  expect(reconciled.stdout).toMatch(/assets +44 +43,993 +0 +0 +2 +-2,004/);
  expect(await corrections(system)).toHaveLength(2);

  const measured = await odometer('measure', 's3', '--project', 'acme/web');
  expect(measured.stdout).toMatch(/bucket +assets +complete/);
  expect(measured.stdout).toMatch(/assets log +20,480 +20/);
  expect((await odometer('measure', 'sql')).stdout).toBe('Nothing of the kind is declared.\n');
});

test('what would take out most of a bucket fails with its figures, and is done when it is accepted', async () => {
  for (let index = 0; index < 40; index += 1) system.bucket.put(`acme/web/${index}`, 1);
  await startWorker();
  await odometer('backfill', 's3', 'assets');
  for (let index = 0; index < 30; index += 1) system.bucket.delete(`acme/web/${index}`);
  const refused = await odometer('reconcile', 'assets');
  expect(refused.exitCode).toBe(1);
  expect(refused.stdout).toContain('30 of 40 objects, 30 bytes, would vanish');
  expect((await odometer('reconcile', '--accept-drift')).exitCode).toBe(2);
  expect((await odometer('reconcile', '--accept-drift', 'assets')).exitCode).toBe(0);
  expect(await system.ledger()).toEqual({ objects: 10, bytes: 10n });
  const { rows } = await system.pool.query('select action, subject from audit_log');
  expect(rows).toContainEqual({ action: 'bucket.accept_drift', subject: 'assets' });
});

test('buckets and targets that are not declared are told apart from those that fail', async () => {
  const unknown = await odometer('backfill', 's3', 'nothing');
  expect(unknown).toMatchObject({ exitCode: 1 });
  expect(unknown.stderr).toContain('there is no bucket nothing declared');
  expect((await odometer('measure', 's3', 'nothing')).stderr).toContain('by the name of nothing');
  await declareBucket(system.pool, {
    name: 'away',
    bucket: 'no-such-bucket',
    endpoint: system.server.url,
    forcePathStyle: true,
  });
  await startWorker();
  const failed = await odometer('reconcile', 'away');
  expect(failed.exitCode).toBe(1);
  expect(failed.stdout).toMatch(
    /away: failed: bucket away answers what cannot be used: NoSuchBucket/,
  );
});

test('a worker that is killed in the middle of a backfill is followed by one that goes on where it stopped', async () => {
  for (let index = 0; index < 200; index += 1) {
    system.bucket.put(`acme/web/${String(index).padStart(4, '0')}`, index);
  }
  let pages = 0;
  system.server.misbehave = ({ query }) => {
    if (query.has('continuation-token')) pages += 1;
    return pages > 8 ? { kind: 'hang' } : undefined;
  };
  const worker = await startWorker();
  const command = odometer('backfill', 's3', 'assets', '--json');
  await eventually(() => pages > 8, { deadlineMs: 60_000 });
  await eventually(async () => (await system.ledger()).objects > 50, { deadlineMs: 10_000 });
  await worker.kill();
  const requests = system.server.requests.length;
  system.server.misbehave = undefined;
  // As if a minute had gone by in which nobody heard of it.
  await system.pool.query(`update measurements set held_until = now() - interval '1 minute'`);
  await startWorker();
  const { exitCode, json } = await command;
  expect(exitCode).toBe(0);
  expect(json()).toMatchObject([{ state: 'complete', figures: { ledger: { objects: '200' } } }]);
  expect(await system.ledger()).toEqual(system.bucket.totals());
  // It has not begun anew: there are 20 pages.
  expect(system.server.requests.length - requests).toBeLessThan(18);
});

test('a bucket is retired by command, through a worker that is killed in the middle', async () => {
  for (let index = 0; index < 50; index += 1) system.bucket.put(`acme/web/${index}`, 2);
  // So many that it takes several parts.
  system.settle();
  await system.run('backfill');
  await system.pool.query(
    `with added as (
       insert into stored_objects (bucket_id, key, organization_id, project_id, metered_object_type, size_bytes, live, sequencer,
         created_at, changed_at)
       select 1, 'acme/web/x' || n, o.organization_id, o.project_id, 'object', 2, true, '', o.created_at, o.changed_at
       from generate_series(1, 6950) n, (select * from stored_objects limit 1) o
       returning size_bytes
     ), level as (
       update storage_levels l set bytes = l.bytes + s.bytes, objects = l.objects + 6950
       from (select sum(size_bytes) as bytes from added) s
     )
     update storage_changes set bytes = bytes + 13900`,
  );
  await expectLevelsToAddUp(system.pool);
  const shown = await odometer('retire', 'bucket', 'assets');
  expect(shown.exitCode).toBe(0);
  expect(shown.stdout).toMatch(/assets +1 +7,000 +14,000\n\nNothing was changed/);
  expect((await odometer('retire', 'bucket', 'assets', '--json')).json()).toEqual({
    kind: 'bucket',
    name: 'assets',
    state: 'declared',
    projects: 1,
    objects: 7_000,
    bytes: 14_000,
  });
  expect((await system.ledger()).objects).toBe(7_000);

  const blocker = await system.pool.connect();
  try {
    // So that it is killed within a part.
    await blocker.query('begin');
    await blocker.query("select from stored_objects where key = 'acme/web/x5000' for update");
    const worker = await startWorker();
    const command = odometer('retire', 'bucket', 'assets', '--confirm', '--json');
    await eventually(async () => (await system.ledger()).objects < 7_000, { deadlineMs: 60_000 });
    await eventually(async () => {
      const { rowCount } = await system.pool.query(
        "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
      );
      return rowCount !== 0;
    });
    await worker.kill();
    await blocker.query('rollback');
    const refused = await system.pool.query('select from buckets where retired_at is not null');
    expect(refused.rowCount).toBe(1);
    // As if a minute had gone by in which nobody heard of it.
    await system.pool.query(`update measurements set held_until = now() - interval '1 minute'`);
    await startWorker();
    const { exitCode, json } = await command;
    expect(exitCode).toBe(0);
    expect(json()).toMatchObject([
      { state: 'complete', figures: { objects: '7000', bytes: '14000' } },
    ]);
  } finally {
    blocker.release();
  }
  expect(await system.ledger()).toEqual({ objects: 0, bytes: 0n });
  expect(await ledgerRows(system)).toEqual([]);
  expect(await corrections(system)).toHaveLength(7_000);
  await expectLevelsToAddUp(system.pool);
  const { rows } = await system.pool.query('select action, subject, detail from audit_log');
  const detail = { bytes: '14000', objects: '7000', projects: 1 };
  expect(rows).toEqual([{ action: 'bucket.retire', subject: 'assets', detail }]);
  expect((await odometer('buckets')).stdout).toBe('No bucket is declared.\n');
  expect((await odometer('retire', 'bucket', 'assets', '--confirm')).stderr).toContain(
    'there is no bucket assets declared',
  );
});
