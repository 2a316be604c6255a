import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import type { StoreEvent } from '@odometer/s3-simulator/store-event';
import { openAppliers, outcomes, Producer } from '../../test/applier-fixture.ts';
import { changeOf } from '../../test/change-of-event.ts';
import {
  declareBucket,
  expectLevelsToAddUp,
  levels,
  removed,
  STORED_AT_MS,
  stored,
} from '../../test/object-fixture.ts';
import { readUnreadLevels } from './read-levels.ts';

let system: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;
let bucketId: number;
beforeEach(async () => {
  system = await openAppliers();
  producer = await new Producer(system.pool, 'objects').open();
  bucketId = await declareBucket(system.pool);
});
afterEach(async () => {
  await expectLevelsToAddUp(system.pool);
  await system.close();
});

const KEY = 'acme/web/scenes/7/mesh.bin';
const apply = (...changes: Parameters<Producer['objects']>) =>
  system.objects.apply([producer.objects(...changes)]);

describe('14. uploads in parts', () => {
  const tell = (events: readonly StoreEvent[]) =>
    apply(...events.flatMap((event) => changeOf(bucketId, event)));

  test('parts count when their upload is completed, and never when it is not', async () => {
    let nowMs = STORED_AT_MS;
    const bucket = new SimulatedBucket({ name: 'acme-assets', now: () => ++nowMs });
    const open = (key: string) => {
      const id = bucket.uploads.start(key);
      bucket.uploads.putPart(id, 1, 6_000_000_000);
      bucket.uploads.putPart(id, 2, 1);
      return id;
    };
    const [completed, aborted] = [open(KEY), open('acme/web/aborted')];
    open('acme/web/forgotten');
    await tell(bucket.put('acme/web/small', 5));
    expect(await levels(system.pool)).toEqual({ 'acme/web object': ['5', 1] });
    await tell(bucket.completeUpload(completed));
    bucket.uploads.abort(aborted);
    await tell(bucket.copy(KEY, 'acme/web/copy'));
    expect(await levels(system.pool)).toEqual({
      'acme/web object': ['6000000006', 2],
      'acme/web scene': ['6000000001', 1],
    });
    await tell(bucket.delete(KEY));
    expect(await levels(system.pool)).toEqual({ 'acme/web object': ['6000000006', 2] });
  });
});

test('15. what a project has beyond 2^53 bytes is exact, as a level and as a gauge', async () => {
  // The largest whole numbers that a notification is believed, and one byte that a float would lose.
  const most = Number.MAX_SAFE_INTEGER;
  await apply(
    stored('acme/web/a', most, 'A1'),
    stored('acme/web/b', most, 'A1'),
    stored('acme/web/c', 1, 'A1'),
    stored('acme/web/d', 2, 'A1'),
  );
  const sum = String(2n * BigInt(most) + 3n);
  expect(await levels(system.pool)).toEqual({ 'acme/web object': [sum, 4] });
  await readUnreadLevels(system.worker().parts);
  const { rows } = await system.pool.query(
    'select distinct last::text from usage_monthly where meter_id in (15, 16)',
  );
  expect(rows).toEqual([{ last: sum }]);
  await apply(removed('acme/web/a', 'A2'), removed('acme/web/d', 'A2'));
  expect(await levels(system.pool)).toEqual({
    'acme/web object': [String(BigInt(most) + 1n), 2],
  });
});

test('16. objects of an archived project are stored all the same, and count: archiving frees no bytes', async () => {
  await apply(stored(KEY, 100, 'A1'), stored('acme/web/a', 5, 'A1'));
  await system.pool.query('update projects set archived_at = now()');
  await system
    .worker()
    .objects.apply([
      producer.objects(
        removed('acme/web/a', 'A2'),
        stored(KEY, 70, 'A2'),
        stored('acme/web/b', 1, 'A2'),
      ),
    ]);
  expect(await levels(system.pool)).toEqual({
    'acme/web object': ['1', 1],
    'acme/web scene': ['70', 1],
  });
  expect(await outcomes(system.pool)).toEqual({ items: 5, counted: 5 });
});

test('18. what is redriven from a dead letter queue days later is too late for what happened since', async () => {
  const dayMs = 86_400_000;
  const then = { atMs: STORED_AT_MS - 5 * dayMs };
  const old = [
    stored(KEY, 100, 'A1', then),
    stored('acme/web/gone', 100, 'A1', then),
    stored('acme/web/v', 9, 'A1', { ...then, version: 'v1' }),
    stored('acme/web/only-there', 3, 'A1', then),
  ];
  await apply(
    stored(KEY, 7, 'A5'),
    removed('acme/web/gone', 'A5'),
    removed('acme/web/v', 'A5', { version: 'v1' }),
  );
  await apply(...old);
  await apply(...old);
  expect(await levels(system.pool)).toEqual({
    'acme/web object': ['3', 1],
    'acme/web scene': ['7', 1],
  });
});

test.each(['40P01', '40001'])(
  '20. a transaction that Postgres ends with %s is run again, and counts once',
  async (code) => {
    await apply(stored(KEY, 100, 'A1'));
    // A sequence is not taken back with the transaction, so that the first two fail, at their very end.
    await system.pool.query(`
      create sequence failures;
      create function fail() returns trigger language plpgsql as $$
      begin
        if nextval('failures') <= 2 then raise exception 'forced' using errcode = '${code}'; end if;
        return new;
      end $$;
      create trigger fail before insert on storage_changes for each statement execute function fail();
    `);
    await apply(stored(KEY, 70, 'A2'), stored('acme/web/a', 5, 'A1'));
    expect(system.applyCounts.conflictRetries).toBe(2);
    expect(await levels(system.pool)).toEqual({
      'acme/web object': ['5', 1],
      'acme/web scene': ['70', 1],
    });
    expect(await outcomes(system.pool)).toEqual({ items: 3, counted: 3 });
  },
);
