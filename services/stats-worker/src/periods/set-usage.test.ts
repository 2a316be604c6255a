import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { verifyMonth } from '@odometer/database/periods/verify';
import type { Transaction } from '@odometer/database/pool';
import { takeAttributableUsage } from '@odometer/database/unattributed-usage';
import { parseQuantity } from '@odometer/domain/decimal';
import { toTimestamp } from '@odometer/domain/period';
import { eventually } from '@odometer/testing/eventually';
import { seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { openAppliers } from '../../test/applier-fixture.ts';
import { attributeUsage } from '../attribute-usage.ts';
import { closeDueMonths } from './close-due-months.ts';
import { refreshDays } from './refresh-days.ts';
import { setUsage } from './set-usage.ts';
import { takeSnapshots } from './take-snapshots.ts';

const SESSIONS = 9;
const OWNER = 'reading:sessions';
const HOUR = '2026-08-10T10:00:00.000Z';
const AUGUST = Date.parse('2026-08-01T00:00:00Z');
const signal = new AbortController().signal;
const nothing = { before: async () => {}, after: async () => {} };
let nowMs = 0;
let system: Awaited<ReturnType<typeof openAppliers>>;

const open = async (policy: Parameters<typeof openAppliers>[0] = {}) => {
  nowMs = Date.parse('2026-08-15T12:00:00Z');
  system = await openAppliers(policy, () => nowMs);
  await system.pool.query(
    `with o as (insert into organizations (slug, created_at) values ('acme', '2026-08-01') returning id)
     insert into projects (organization_id, slug, created_at) select id, s, '2026-08-01' from o, unnest(array['web', 'app']) s`,
  );
  await system.pool.query(
    `update meters set owner = '${OWNER}', event_type = null, value_path = null, default_value = null where id = ${SESSIONS}`,
  );
};
beforeEach(() => open());
afterEach(() => system.close());

const rows = async (sql: string) => (await system.pool.query(sql)).rows;
const set = (values: Readonly<Record<string, string | null>>, hour = HOUR, parts = system.parts) =>
  setUsage(
    parts,
    {
      meterId: SESSIONS,
      owner: OWNER,
      hourMs: Date.parse(hour),
      values: Object.entries(values).map(([name, text]) => {
        const [organization = '', project = ''] = name.split('/');
        const value = text === null ? null : parseQuantity(text);
        if (typeof value === 'string') throw new Error(value);
        return { organization, project, value };
      }),
    },
    nothing,
  );
/** What each project used in the hour, its adjustments included. */
const used = async () =>
  Object.fromEntries(
    (
      await rows(
        `select p.slug, trim_scale(sum(x.sum))::text as sum, sum(x.count)::int as count
         from (select project_id, sum, count, hour from usage_hourly union all
               select project_id, sum, count, hour from usage_adjustments) x
         join projects p on p.id = x.project_id where x.hour = '${HOUR}' group by 1 order by 1`,
      )
    ).map(({ slug, sum, count }) => [slug, [sum, count]]),
  );
/** Hours, days and months, wherever they are not the same. */
const disagreements = async () => {
  await refreshDays(system.pool, signal);
  return rows(
    `with h as (select project_id, meter_id, date_trunc('month', hour, 'UTC') as month, sum(sum) as sum, sum(count) as count
         from usage_hourly group by 1, 2, 3),
       d as (select project_id, meter_id, date_trunc('month', day::timestamp) at time zone 'UTC' as month, sum(sum) as sum, sum(count) as count
         from usage_daily where meter_id not in (19, 20) group by 1, 2, 3)
     select * from usage_monthly m full join h using (project_id, meter_id, month) full join d using (project_id, meter_id, month)
     where (m.sum, m.count) is distinct from (h.sum, h.count) or (m.sum, m.count) is distinct from (d.sum, d.count)`,
  );
};
const close = async (at: string) => {
  nowMs = Date.parse(at);
  await takeSnapshots(system.pool, nowMs, signal);
  await closeDueMonths({ pool: system.pool, usageQueues: [], graceMs: 0 }, nowMs, signal);
};

describe('an hour that is set', () => {
  test('has what was said last, up and down, however often', async () => {
    expect(await set({ 'acme/web': '10', 'acme/app': '0.5' })).toEqual({
      changed: 2,
      unattributed: 0,
    });
    expect(await set({ 'acme/web': '10', 'acme/app': '0.5' })).toMatchObject({ changed: 0 });
    await set({ 'acme/web': '7', 'acme/app': '12345678901234567890.5' });
    expect(await used()).toEqual({ web: ['7', 1], app: ['12345678901234567890.5', 1] });
    expect(await disagreements()).toEqual([]);
  });

  test('has nothing of a project that is not named any more, and keeps what nobody knows', async () => {
    await set({ 'acme/web': '10', 'acme/app': '5' });
    await set({ 'acme/app': null });
    expect(await used()).toEqual({ web: ['0', 1], app: ['5', 1] });
    await set({});
    expect(await used()).toEqual({ web: ['0', 1], app: ['0', 1] });
    expect(await disagreements()).toEqual([]);
  });

  test('is untouched by what is said of another', async () => {
    await set({ 'acme/web': '10' });
    await set({ 'acme/web': '3' }, '2026-08-10T11:00:00.000Z');
    await set({}, '2026-08-10T11:00:00.000Z');
    expect(await used()).toEqual({ web: ['10', 1] });
  });

  test('is written by nobody but the owner of the meter', async () => {
    await system.pool.query(`update meters set owner = 'reading:other' where id = ${SESSIONS}`);
    await expect(set({ 'acme/web': '1' })).rejects.toMatchObject({ code: 'measurement_refused' });
    expect(await used()).toEqual({});
  });

  test('rolls back with what its caller does besides', async () => {
    const hour = { meterId: SESSIONS, owner: OWNER, hourMs: Date.parse(HOUR) };
    const values = [{ organization: 'acme', project: 'web', value: 1n }];
    const after = () => Promise.reject(new Error('no'));
    await expect(
      setUsage(system.parts, { ...hour, values }, { ...nothing, after }),
    ).rejects.toThrow('no');
    expect(await used()).toEqual({});
    await set({ 'acme/web': '2' });
    expect(await rows('select count(*)::int as days from changed_days')).toEqual([{ days: 1 }]);
  });
});

test('set by many at once to what each of them says, it has what one of them said', async () => {
  const workers = [1, 2, 3, 4].map(() => system.worker().parts);
  for (const seed of seedsOfThisRun(3)) {
    const random = seededRandom(seed);
    const said = Array.from({ length: 12 }, () => ({
      'acme/web': String(random.integer(0, 5)),
      'acme/app': String(random.integer(0, 5)),
      // Discovered by whoever comes first.
      'other/new': String(random.integer(1, 5)),
    }));
    await Promise.all(said.map((values, i) => set(values, HOUR, workers[i % workers.length])));
    const { web, app, new: fresh } = await used();
    expect(
      said.some(
        (values) =>
          values['acme/web'] === (web?.[0] ?? '0') &&
          values['acme/app'] === (app?.[0] ?? '0') &&
          values['other/new'] === fresh?.[0],
      ),
    ).toBe(true);
    expect(await disagreements()).toEqual([]);
  }
});

describe('names without a project', () => {
  beforeEach(async () => {
    await system.close();
    await open({ autoProvision: false });
  });
  const kept = () =>
    rows(
      'select project, trim_scale(sum)::text as sum, count::int from unattributed_usage order by project',
    );
  const register = (slug: string) =>
    system.pool.query(
      `insert into projects (organization_id, slug, created_at) select id, '${slug}', '2026-08-01' from organizations`,
    );

  test('have their hour kept, set again, and given to their project once', async () => {
    expect(await set({ 'acme/new': '4' })).toEqual({ changed: 1, unattributed: 1 });
    await set({ 'acme/new': '6' });
    expect(await kept()).toEqual([{ project: 'new', sum: '6', count: 1 }]);
    await register('new');
    // Registered, and not given yet: set again in between it comes to the same.
    await set({ 'acme/new': '9' });
    await attributeUsage(system.pool, system.parts.partitions, system.parts.usage);
    await set({ 'acme/new': '9' });
    expect(await kept()).toEqual([]);
    expect(await used()).toEqual({ new: ['9', 1] });
    expect(await disagreements()).toEqual([]);
  });

  test('have nothing once they are not named any more, registered meanwhile or not', async () => {
    await set({ 'acme/new': '4', 'acme/old': '5' });
    await register('new');
    await set({});
    expect(await kept()).toMatchObject([{ sum: '0' }, { sum: '0' }]);
    await attributeUsage(system.pool, system.parts.partitions, system.parts.usage);
    expect(await used()).toEqual({ new: ['0', 1] });
  });

  test('are counted once when they are given away between two looks', async () => {
    const monthMs = [AUGUST];
    await set({ 'acme/new': '4' });
    await register('new');
    const giver = await system.pool.connect();
    const blocker = await system.pool.connect();
    try {
      await giver.query('begin');
      const transaction = giver as unknown as Transaction;
      const periods = await system.parts.usage.begin(transaction, monthMs);
      const months = monthMs.map(toTimestamp);
      await periods.add(await takeAttributableUsage(transaction, 'acme', months, 10));
      // The look at what projects have waits here, after the look at what is kept.
      await blocker.query('begin; lock table usage_adjustments in access exclusive mode');
      const setting = set({ 'acme/new': '5' });
      await eventually(async () => {
        const { rowCount } = await system.pool.query(
          "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        );
        expect(rowCount).toBe(1);
      });
      await giver.query('commit');
      await blocker.query('rollback');
      await setting;
    } finally {
      giver.release();
      blocker.release();
    }
    expect(await used()).toEqual({ new: ['5', 1] });
  });

  test('are counted once when they are given away while they are set', async () => {
    for (let round = 0; round < 8; round += 1) {
      const name = `p${round}`;
      await set({ [`acme/${name}`]: '4' });
      await register(name);
      await Promise.all([
        set({ [`acme/${name}`]: '5' }, HOUR, system.worker().parts),
        attributeUsage(system.pool, system.parts.partitions, system.parts.usage),
      ]);
      await attributeUsage(system.pool, system.parts.partitions, system.parts.usage);
      expect((await used())[name]).toEqual(['5', 1]);
    }
    expect(await disagreements()).toEqual([]);
  });
});

test('an hour of a closed month gets adjustments, up and down, and the month still verifies', async () => {
  await set({ 'acme/web': '10', 'acme/app': '5' });
  await close('2026-09-01T00:00:00Z');
  await set({ 'acme/web': '12' });
  await set({ 'acme/web': '12' });
  await set({ 'acme/web': '11' });
  expect(await used()).toEqual({ web: ['11', 1], app: ['0', 1] });
  expect(
    await rows('select sum::text, billed_month::text as month from usage_adjustments order by id'),
  ).toEqual(['2', '-5', '-1'].map((sum) => ({ sum, month: '2026-09-01 00:00:00+00' })));
  expect((await verifyMonth(system.pool, AUGUST)).differences).toEqual([]);
  await close('2026-10-01T00:00:00Z');
  expect((await verifyMonth(system.pool, Date.parse('2026-09-01'))).differences).toEqual([]);
  expect(await disagreements()).toEqual([]);
});

test('an hour of a month that is closing, and not final yet, is set once', async () => {
  await set({ 'acme/web': '10' });
  await system.pool.query(
    `insert into periods (organization_id, month, state, drafted_at, closing_at, closing_act)
     select id, '2026-08-01Z', 'closing', now(), now(), nextval('period_acts') from organizations`,
  );
  nowMs = Date.parse('2026-09-01T00:00:00Z');
  await set({ 'acme/web': '12' });
  expect(await set({ 'acme/web': '12' })).toMatchObject({ changed: 0 });
  expect(await used()).toEqual({ web: ['12', 1] });
  expect(await rows('select sum::text from usage_adjustments')).toEqual([{ sum: '2' }]);
});

test('hours that are set while their month is being closed are in the month or beside it', async () => {
  await set({ 'acme/web': '1' });
  nowMs = Date.parse('2026-09-01T00:00:00Z');
  await takeSnapshots(system.pool, nowMs, signal);
  const parts = system.worker().parts;
  const setting = (async () => {
    for (let i = 2; i <= 30; i += 1) await set({ 'acme/web': String(i) }, HOUR, parts);
  })();
  await closeDueMonths({ pool: system.pool, usageQueues: [], graceMs: 0 }, nowMs, signal);
  await setting;
  await closeDueMonths({ pool: system.pool, usageQueues: [], graceMs: 0 }, nowMs, signal);
  expect(await used()).toEqual({ web: ['30', 1] });
  expect((await verifyMonth(system.pool, AUGUST)).differences).toEqual([]);
  expect(await disagreements()).toEqual([]);
});
