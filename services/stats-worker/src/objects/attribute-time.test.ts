import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import { hourStart } from '@odometer/domain/period';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { openAppliers, Producer } from '../../test/applier-fixture.ts';
import { declareBucket, expectLevelsToAddUp, removed, stored } from '../../test/object-fixture.ts';
import { attributeObjects } from './attribute-objects.ts';
import { settleByteHours } from './settle-byte-hours.ts';

const HOUR_MS = 3_600_000;
const ROUNDS = 15;
const never = new AbortController().signal;
let system: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;
let startMs = 0;

beforeEach(async () => {
  system = await openAppliers({ autoProvision: false });
  producer = await new Producer(system.pool, 'objects').open();
  await declareBucket(system.pool);
  startMs = hourStart(Date.now()) - 200 * HOUR_MS;
  await system.pool.query('update storage_settlement set settled_through = $1', [
    new Date(startMs),
  ]);
});
afterEach(async () => {
  await expectLevelsToAddUp(system.pool);
  await system.close();
});

const register = (project: string) =>
  system.pool.query(
    `with o as (
       insert into organizations (slug) values ('acme') on conflict (slug) do update set slug = excluded.slug returning id
     ) insert into projects (organization_id, slug) select id, $1 from o`,
    [project],
  );
const settle = (nowMs: number) => settleByteHours(system.worker().parts, nowMs, never);

/** All byte-milliseconds a project has come to, what is left over of a byte-hour too. */
async function byteTimes(): Promise<Record<string, string>> {
  const { rows } = await system.pool.query<{ slug: string; total: string }>(
    `select p.slug, (a.remaining_byte_ms + 3600000 * coalesce((
       select sum(sum) from usage_hourly u where u.project_id = a.project_id and u.meter_id = 23
     ), 0))::text as total
     from storage_accounts a join projects p on p.id = a.project_id order by 1`,
  );
  return Object.fromEntries(rows.map(({ slug, total }) => [slug, total]));
}

/*
 * Objects and versions are put, overwritten and removed, told late and twice, while hours are settled; one project is there from
 * the beginning, the other one is registered when it pleases.
 */
test.each(seedsOfThisRun(6))(
  'a project that is registered later has paid for as much as one that was there (seed %p)',
  async (seed) => {
    const random = seededRandom(seed);
    await register('early');
    const registeredIn = random.integer(0, ROUNDS);
    let nowMs = startMs;
    let sequencer = 0x1000;
    for (let round = 0; round <= ROUNDS; round += 1) {
      nowMs += random.integer(1, 8 * HOUR_MS);
      const changes = Array.from({ length: random.integer(0, 40) }, (): readonly ObjectChange[] => {
        const name = `k${random.integer(0, 12)}`;
        const version = random.pick(['', '', 'v1', 'v2']);
        const atMs =
          nowMs - random.pick([0, random.integer(0, HOUR_MS), random.integer(0, nowMs - startMs)]);
        sequencer += 1;
        const order = `${(sequencer - random.pick([0, 0, 7])).toString(16)}1`;
        const sizeBytes = random.integer(0, 2 ** 40);
        const isRemoval = random.next() < 0.4;
        return ['early', 'late'].map((project) => {
          const key = `acme/${project}/${name}`;
          return isRemoval
            ? removed(key, order, { version, atMs })
            : stored(key, sizeBytes, order, { version, atMs });
        });
      });
      const told = changes.flatMap((both) => (random.next() < 0.1 ? [...both, ...both] : both));
      const half = (told.length >> 2) << 1;
      await system.objects.apply([producer.objects(...told.slice(0, half))]);
      if (round === registeredIn) await register('late');
      await Promise.all([
        system.worker().objects.apply([producer.objects(...told.slice(half))]),
        attributeObjects(system.pool),
        attributeObjects(system.pool),
        settle(nowMs),
      ]);
    }
    await attributeObjects(system.pool);
    await settle(hourStart(nowMs) + HOUR_MS + 600_000);
    const { early, late } = await byteTimes();
    expect(late).toBe(early);
    expect(BigInt(early ?? 0)).toBeGreaterThan(0n);
    const { rowCount } = await system.pool.query('select from unattributed_storage_changes');
    expect(rowCount).toBe(0);
  },
);

test('what was removed, and what was overwritten, before its name was registered has been there all the same', async () => {
  const at = (hours: number) => ({ atMs: startMs + hours * HOUR_MS });
  await system.objects.apply([
    producer.objects(
      stored('acme/late/gone', 100, 'A1', at(0.5)),
      stored('acme/late/grown', 10, 'A1', at(1)),
    ),
  ]);
  await settle(startMs + 3 * HOUR_MS);
  await system.objects.apply([
    producer.objects(
      removed('acme/late/gone', 'A2', at(2.5)),
      stored('acme/late/grown', 1_000, 'A2', at(4)),
    ),
  ]);
  await settle(startMs + 7 * HOUR_MS);
  await register('late');
  expect(await attributeObjects(system.pool)).toBe(2);
  expect(await attributeObjects(system.pool)).toBe(0);
  await settle(startMs + 10 * HOUR_MS + 600_000);
  expect(await byteTimes()).toEqual({ late: String((200 + 30 + 6_000) * HOUR_MS) });
});

test('byte-time of a name whose objects have all been forgotten is its project’s too', async () => {
  const at = (hours: number) => ({ atMs: startMs + hours * HOUR_MS });
  await system.objects.apply([producer.objects(stored('acme/late/a', 100, 'A1', at(0)))]);
  await system.objects.apply([producer.objects(removed('acme/late/a', 'A2', at(3)))]);
  await system.pool.query('delete from stored_objects');
  await register('late');
  await attributeObjects(system.pool);
  await settle(startMs + 10 * HOUR_MS);
  expect(await byteTimes()).toEqual({ late: String(300 * HOUR_MS) });
});
