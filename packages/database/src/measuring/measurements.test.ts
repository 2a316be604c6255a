import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bucketDeclarationSchema } from '@odometer/domain/objects/bucket-declaration';
import { createTestDatabase, type TestDatabase } from '@odometer/testing/test-database';
import { readBucketHistory } from '../objects/bucket-levels.ts';
import { putBucket } from '../objects/buckets.ts';
import { shardsOfLastListing } from '../objects/listing-shards.ts';
import { createPool, inTransaction, type Pool } from '../pool.ts';
import { databaseTime, findAskedMeasurement } from './asked-measurement.ts';
import { completeFigures } from './complete-figures.ts';
import { putMeasuredTarget } from './measured-targets.ts';
import {
  beginMeasurement,
  dueTargets,
  finishMeasurement,
  keepProgress,
  latestMeasurements,
  type MeasurementRequest,
  releaseMeasurement,
} from './measurements.ts';

let database: TestDatabase;
let pool: Pool;
beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, applicationName: 'test', maxConnections: 4 }, () => {});
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

async function declareBucket(): Promise<number> {
  const declaration = bucketDeclarationSchema.parse({
    name: 'assets',
    bucket: 'acme-assets',
    notifications: { kind: 'none' },
  });
  return (await inTransaction(pool, (transaction) => putBucket(transaction, declaration))).id;
}

async function insert(kind: string, target: string, minutesAgo: number, rest: object = {}) {
  const { state, options, figures } = { state: 'complete', options: {}, figures: {}, ...rest };
  const { rows } = await pool.query<{ id: string }>(
    `insert into measurements (kind, target, purpose, options, state, started_at, finished_at, figures)
     values ($1, $2, 'asked', $3, $4, '2026-11-22T10:30Z'::timestamptz - make_interval(mins => $5), now(), $6)
     returning id`,
    [kind, target, options, state, minutesAgo, figures],
  );
  return rows[0]?.id ?? '';
}

const NOW = new Date('2026-11-22T10:30:00Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000);

test('one that only looked, and one of hours that somebody named, count nowhere as the last one of all there is', async () => {
  const bucketId = await declareBucket();
  await putMeasuredTarget(pool, 'reading', 'app', {});
  const listing = await insert('bucket', 'assets', 90);
  const dry = await insert('bucket', 'assets', 10, { options: { dryRun: true } });
  for (const [id, pages] of [
    [listing, 7],
    [dry, 1],
  ] as const) {
    await pool.query(
      'insert into listing_shards (measurement_id, shard, pages) values ($1, 1, $2)',
      [id, pages],
    );
  }
  await insert('reading', 'app', 80, { figures: { all: true } });
  await insert('reading', 'app', 10, { options: { from: '2026-11-01T00:00:00Z' } });

  expect((await latestMeasurements(pool)).map(({ completeAt }) => completeAt)).toEqual([
    minutesAgo(90),
    minutesAgo(80),
  ]);
  expect(await dueTargets(pool, NOW)).toHaveLength(2);
  expect((await readBucketHistory(pool, bucketId)).completeAtMs).toBe(minutesAgo(90).getTime());
  expect(await shardsOfLastListing(pool, 'assets')).toEqual([{ until: null, pages: 7 }]);
  expect(await completeFigures(pool, 'reading')).toMatchObject([{ figures: { all: true } }]);
});

const PLAIN: MeasurementRequest = {
  kind: 'bucket',
  target: 'assets',
  purpose: 'reconcile',
  options: {},
};

/** Begins one and keeps a step of it. */
async function begun(request: MeasurementRequest) {
  const holder = randomUUID();
  const measurement = await beginMeasurement(pool, request, holder);
  if (measurement === undefined) throw new Error('somebody else is at it');
  const hold = { id: measurement.id, holder };
  await inTransaction(pool, (transaction) => keepProgress(transaction, hold, { page: 3 }));
  return { measurement, hold };
}

describe.each([{ acceptDrift: true }, { dryRun: true }])('a reconcile with %j', (options) => {
  const asked = { ...PLAIN, options };

  test('that failed is not finished by one without, nor one without by it: each goes on with its own', async () => {
    for (const [first, then] of [
      [asked, PLAIN],
      [PLAIN, asked],
    ] as const) {
      const { hold } = await begun(first);
      await finishMeasurement(pool, hold, { state: 'failed', failure: 'x', detail: 'x' });
      const other = await begun(then);
      expect(other.measurement).toMatchObject({ options: then.options, progress: {} });
      expect(other.hold.id).not.toBe(hold.id);
      await finishMeasurement(pool, other.hold, { state: 'failed', failure: 'x', detail: 'x' });
      const again = await begun(then);
      expect(again.measurement).toMatchObject({ id: other.hold.id, progress: { page: 3 } });
      await finishMeasurement(pool, again.hold, { state: 'complete', figures: {} });
    }
  });

  test('that was let go of is finished as it was asked for, and meets no request of one without', async () => {
    const since = await databaseTime(pool);
    const { hold } = await begun(asked);
    await releaseMeasurement(pool, hold);
    const taken = await begun(PLAIN);
    expect(taken.measurement).toMatchObject({ id: hold.id, options });
    await finishMeasurement(pool, taken.hold, { state: 'complete', figures: {} });
    expect((await findAskedMeasurement(pool, PLAIN, since)).asked).toBeUndefined();
    expect((await findAskedMeasurement(pool, asked, since)).asked).toMatchObject({ id: hold.id });
    expect((await begun(PLAIN)).measurement).toMatchObject({ options: {}, progress: {} });
  });
});
