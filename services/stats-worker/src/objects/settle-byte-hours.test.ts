import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { holdSettlement } from '@odometer/database/objects/settlement';
import { inTransaction } from '@odometer/database/pool';
import { hourStart } from '@odometer/domain/period';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { hourlySums, openAppliers, Producer } from '../../test/applier-fixture.ts';
import { declareBucket, expectLevelsToAddUp, removed, stored } from '../../test/object-fixture.ts';
import { settleByteHours } from './settle-byte-hours.ts';
import { StorageDifferences } from './storage-differences.ts';

const HOUR_MS = 3_600_000;
const never = new AbortController().signal;
let system: Awaited<ReturnType<typeof openAppliers>>;
let startMs = 0;

beforeEach(async () => {
  system = await openAppliers();
  // The first hour that is not settled, and can be waited for by nobody.
  startMs = hourStart(Date.now()) - 200 * HOUR_MS;
  await system.pool.query('update storage_settlement set settled_through = $1', [
    new Date(startMs),
  ]);
});
afterEach(() => system.close());

const projects = async (count: number) => {
  const { rows } = await system.pool.query<{ projectId: string; organizationId: string }>(
    `with o as (insert into organizations (slug) values ('acme') returning id)
     insert into projects (organization_id, slug) select id, 'p' || n from o, generate_series(1, $1) n
     returning id as "projectId", organization_id as "organizationId"`,
    [count],
  );
  return rows;
};
const settle = (nowMs: number, signal = never) =>
  settleByteHours(system.worker().parts, nowMs, signal);

test('an hour is settled ten minutes after its end: what there was, and each change from when it happened', async () => {
  await declareBucket(system.pool);
  const producer = await new Producer(system.pool, 'objects').open();
  const at = (hours: number) => ({ atMs: startMs + hours * HOUR_MS });
  await system.objects.apply([
    producer.objects(
      stored('acme/web/a', 1_000, 'A1', at(0.25)),
      removed('acme/web/a', 'A2', at(2.5)),
      stored('acme/web/b', 7, 'A1', at(1.5)),
    ),
  ]);
  await settle(startMs + HOUR_MS + 599_999);
  expect(await hourlySums(system.pool)).toEqual({});
  await settle(startMs + HOUR_MS + 600_000);
  expect(await hourlySums(system.pool)).toEqual({ 'acme/web s3_byte_hours': '750' });
  await settle(startMs + 4 * HOUR_MS);
  const { rows } = await system.pool.query(
    'select hour, sum::int from usage_hourly where meter_id = 23 order by 1',
  );
  expect(rows).toEqual([
    { hour: new Date(startMs), sum: 750 },
    // 3.5 of b: half a byte-hour is carried.
    { hour: new Date(startMs + HOUR_MS), sum: 1_003 },
    { hour: new Date(startMs + 2 * HOUR_MS), sum: 507 },
  ]);
  await settle(startMs + 6 * HOUR_MS);
  expect(await hourlySums(system.pool)).toEqual({ 'acme/web s3_byte_hours': '2274' });
  await expectLevelsToAddUp(system.pool);
});

test('what was overwritten and removed within one batch was there in between', async () => {
  await declareBucket(system.pool);
  const producer = await new Producer(system.pool, 'objects').open();
  const at = (hours: number) => ({ atMs: startMs + hours * HOUR_MS });
  await system.objects.apply([
    producer.objects(
      removed('acme/web/a', 'A3', at(4)),
      stored('acme/web/a', 100, 'A1', at(0)),
      stored('acme/web/a', 10, 'A2', at(2)),
      stored('acme/web/v', 1_000, 'A1', { version: 'v1', ...at(1) }),
      removed('acme/web/v', 'A2', { version: 'v1', ...at(2) }),
    ),
  ]);
  await settle(startMs + 8 * HOUR_MS);
  expect(await hourlySums(system.pool)).toEqual({ 'acme/web s3_byte_hours': '1220' });
});

test('nothing is counted from before its bucket was declared, and what a wrong clock says to be old is of now', async () => {
  const bucketId = await declareBucket(system.pool);
  await system.pool.query('update buckets set declared_at = $1', [new Date(startMs + 2 * HOUR_MS)]);
  const producer = await new Producer(system.pool, 'objects').open();
  const at = (hours: number) => ({ bucketId, atMs: startMs + hours * HOUR_MS });
  const wrong = { bucketId, atMs: 0 };
  await system.objects.apply([
    producer.objects(
      stored('acme/old/removed', 1_000, 'A1', at(0)),
      removed('acme/old/removed', 'A2', at(1)),
      stored('acme/old/there', 100, 'A1', at(1)),
      stored('acme/wrong/there', 1_000, 'A1', wrong),
      stored('acme/wrong/removed', 1_000, 'A1', wrong),
      stored('acme/wrong/version', 1_000, 'A1', { version: 'v1', ...wrong }),
      stored('acme/wrong/known', 1_000, 'A1', at(3)),
    ),
  ]);
  await system.objects.apply([
    producer.objects(
      stored('acme/old/there', 0, 'A2', at(3)),
      removed('acme/wrong/removed', 'A2', at(3)),
      removed('acme/wrong/version', 'A2', { version: 'v1', ...at(3) }),
      removed('acme/wrong/known', 'A2', wrong),
    ),
  ]);
  const knownUntilMs = Date.now();
  await settle(hourStart(Date.now()) + 600_000);
  const { rows } = await system.pool.query<{ slug: string; total: number }>(
    `select p.slug, (a.remaining_byte_ms + 3600000 * coalesce((
         select sum(sum) from usage_hourly u where u.project_id = a.project_id and u.meter_id = 23
       ), 0) + coalesce((
         -- As if the hour that is not settled had ended.
         select sum(c.byte_ms) from storage_changes c where c.project_id = a.project_id
       ), 0) + a.settled_bytes * 3600000)::float as total
     from storage_accounts a join projects p on p.id = a.project_id order by 1`,
  );
  const [old, other] = rows;
  expect(old).toEqual({ slug: 'old', total: 100 * HOUR_MS });
  // Of the one that is there, what is left of this hour; of the one that was known, all from when it was stored.
  const known = 1_000 * (knownUntilMs - startMs - 3 * HOUR_MS);
  expect((other?.total ?? 0) - known).toBeGreaterThanOrEqual(0);
  expect((other?.total ?? 0) - known).toBeLessThan(1_000 * 2 * HOUR_MS);
});

test('a removal that is known late takes back what it was counted for too long', async () => {
  const [project] = await projects(1);
  await book([{ ...ownerOf(project), bytes: 100n, atMs: startMs }]);
  await settle(startMs + 5 * HOUR_MS);
  expect(await hourlySums(system.pool)).toEqual({ 'acme/p1 s3_byte_hours': '400' });
  await book([{ ...ownerOf(project), bytes: -100n, atMs: startMs + HOUR_MS }]);
  await settle(startMs + 9 * HOUR_MS);
  expect(await hourlySums(system.pool)).toEqual({ 'acme/p1 s3_byte_hours': '100' });
});

test('hours late, it gives the same numbers in the same hours', async () => {
  const [project] = await projects(1);
  const owner = ownerOf(project);
  await book([
    { ...owner, bytes: 100n, atMs: startMs + 1 },
    { ...owner, bytes: 11n, atMs: startMs + 60 * HOUR_MS + 77_777 },
    { ...owner, bytes: -90n, atMs: startMs + 61 * HOUR_MS + 1 },
  ]);
  const hours = async () =>
    (await system.pool.query('select hour, sum::text from usage_hourly order by 1')).rows;
  await settle(startMs + 100 * HOUR_MS);
  const late = await hours();
  await system.pool.query('delete from usage_hourly');
  await system.pool.query('truncate storage_accounts, storage_changes');
  await system.pool.query('update storage_settlement set settled_through = $1', [
    new Date(startMs),
  ]);
  await book([
    { ...owner, bytes: 100n, atMs: startMs + 1 },
    { ...owner, bytes: 11n, atMs: startMs + 60 * HOUR_MS + 77_777 },
    { ...owner, bytes: -90n, atMs: startMs + 61 * HOUR_MS + 1 },
  ]);
  for (let hour = 1; hour <= 100; hour += 1) await settle(startMs + hour * HOUR_MS);
  expect(await hours()).toEqual(late);
  expect(late).toHaveLength(99);
});

/*
 * Against a plain simulation: whatever changes, however late it is known, whenever it is settled, by whom and how often it is
 * cut short, Σ settled byte-milliseconds = Σ change × time from it to the end, to the last one.
 */
test.each(seedsOfThisRun(3))('byte-time is exact, whatever the order (seed %p)', async (seed) => {
  const random = seededRandom(seed);
  const owners = (await projects(12)).map(ownerOf);
  const truth = new Map<string, { bytes: bigint; atMs: number }[]>();
  let nowMs = startMs;
  for (let round = 0; round < 15; round += 1) {
    nowMs += random.integer(1, 8 * HOUR_MS);
    const changes = Array.from({ length: random.integer(0, 30) }, () => ({
      ...random.pick(owners),
      bytes: BigInt(random.integer(-(2 ** 45), 2 ** 45)),
      atMs: nowMs - random.pick([0, random.integer(0, HOUR_MS), random.integer(0, 90 * HOUR_MS)]),
    }));
    for (const { projectId, bytes, atMs } of changes) {
      truth.set(projectId, [...(truth.get(projectId) ?? []), { bytes, atMs }]);
    }
    const half = changes.length >> 1;
    const stop = new AbortController();
    const settling = [settle(nowMs), settle(nowMs - HOUR_MS), settle(nowMs, stop.signal)];
    setTimeout(() => stop.abort(new Error('killed')), random.integer(0, 20));
    await Promise.all([
      book(changes.slice(0, half)),
      book(changes.slice(half)),
      ...settling.map((one) =>
        one.catch((error: Error) => {
          if (error.message !== 'killed') throw error;
        }),
      ),
    ]);
  }
  const endMs = hourStart(nowMs) + HOUR_MS;
  await settle(endMs + 600_000);
  const { rows } = await system.pool.query<{ projectId: string; total: string }>(
    `select a.project_id as "projectId",
       (a.remaining_byte_ms + 3600000 * coalesce((
         select sum(sum) from usage_hourly u where u.project_id = a.project_id and u.meter_id = 23
       ), 0)
       -- An account without bytes is settled no further than its last change; it has no time to count.
       )::text as total
     from storage_accounts a order by 1`,
  );
  const settled = Object.fromEntries(
    rows.map(({ projectId, total }) => [projectId, BigInt(total)]),
  );
  const expected = Object.fromEntries(
    Array.from(truth, ([projectId, changes]) => [
      projectId,
      changes.reduce((sum, { bytes, atMs }) => sum + bytes * BigInt(endMs - atMs), 0n),
    ]),
  );
  expect(settled).toEqual(expected);
});

function ownerOf(project: { projectId: string; organizationId: string } | undefined) {
  if (project === undefined) throw new Error('no project');
  return { ...project, unattributedTo: null, type: 'object' };
}

/** Books changes in a transaction as appliers do, at a moment at which all of them have happened. */
function book(
  changes: readonly {
    projectId: string;
    organizationId: string;
    unattributedTo: null;
    type: string;
    bytes: bigint;
    atMs: number;
  }[],
): Promise<void> {
  return inTransaction(system.pool, async (transaction) => {
    const differences = new StorageDifferences(await holdSettlement(transaction));
    for (const { bytes, atMs, ...owner } of changes) differences.addTime(owner, bytes, atMs);
    await differences.book(transaction);
  });
}
