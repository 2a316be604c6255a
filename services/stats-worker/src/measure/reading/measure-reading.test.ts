import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { lockCatalogue } from '@odometer/database/advisory-locks';
import { putMeasuredTarget } from '@odometer/database/measuring/measured-targets';
import {
  beginMeasurement,
  dueTargets,
  finishMeasurement,
} from '@odometer/database/measuring/measurements';
import { beginReading } from '@odometer/database/measuring/reading-progress';
import { claimMeter } from '@odometer/database/meters/own-meter';
import { verifyMonth } from '@odometer/database/periods/verify';
import { inTransaction } from '@odometer/database/pool';
import {
  readingDeclarationSchema,
  readingKind,
  readingOwner,
} from '@odometer/domain/readings/reading-declaration';
import { hourlySums, openAppliers } from '../../../test/applier-fixture.ts';
import { attributeUsage } from '../../attribute-usage.ts';
import { closeDueMonths } from '../../periods/close-due-months.ts';
import { takeSnapshots } from '../../periods/take-snapshots.ts';
import { openForeignDatabase } from './foreign-database.fixture.ts';
import { createReadingMeasurer } from './measure-reading.ts';

const URL_NAME = 'ODOMETER_READING_URL_APP';
const SESSIONS = `select customer as organization, app as project, count(*) as value
  from sessions where started_at >= :start and started_at < :end group by 1, 2`;
const signal = new AbortController().signal;

let foreign: Awaited<ReturnType<typeof openForeignDatabase>>;
let env: Record<string, string>;
let system: Awaited<ReturnType<typeof openAppliers>>;
let nowMs = 0;

beforeAll(async () => {
  foreign = await openForeignDatabase();
  await foreign.owner.query(
    `create table sessions (customer text, app text, started_at timestamptz);
     create table devices (customer text, app text, retired boolean default false)`,
  );
  env = { [URL_NAME]: await foreign.reader() };
});
afterAll(() => foreign.close());

const open = async (policy: Parameters<typeof openAppliers>[0] = {}) => {
  nowMs = Date.parse('2026-08-15T12:20:00Z');
  system = await openAppliers(policy, () => nowMs);
  await system.pool.query(
    `with o as (insert into organizations (slug, created_at) values ('acme', '2026-08-01') returning id)
     insert into projects (organization_id, slug, created_at) select id, s, '2026-08-01' from o, unnest(array['web', 'app']) s`,
  );
};
beforeEach(async () => {
  await foreign.owner.query('truncate sessions, devices');
  await open();
});
afterEach(() => system.close());

/** As `odometer apply` does it, at the time that it is. */
async function declare(change: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const reading = readingDeclarationSchema.parse({
    name: 'app',
    meter: 'sessions',
    mode: 'window',
    databaseUrlEnv: URL_NAME,
    query: SESSIONS,
    ...change,
  });
  await inTransaction(system.pool, async (transaction) => {
    await lockCatalogue(transaction);
    await claimMeter(transaction, {
      meter: reading.meter,
      owner: readingOwner(reading.name),
      kind: readingKind(reading.mode),
      unit: reading.unit,
    });
    await putMeasuredTarget(transaction, 'reading', reading.name, reading);
    await beginReading(transaction, reading.name);
    const hour = new Date(Math.floor(nowMs / 3_600_000) * 3_600_000);
    await transaction.query('update reading_progress set read_from = $1, read_through = $1', [
      hour,
    ]);
  });
}

const measurer = (parts = system.parts) =>
  createReadingMeasurer({ ...parts, env, log: { warn() {} }, nowMs: () => nowMs });
/** One measurement, as a job makes it. */
async function measure(at = '', options: Readonly<Record<string, unknown>> = {}) {
  if (at !== '') nowMs = Date.parse(`2026-${at}:00Z`);
  const holder = randomUUID();
  const request = { kind: 'reading', target: 'app', purpose: 'hourly', options } as const;
  const measurement = await beginMeasurement(system.pool, request, holder);
  if (measurement === undefined) throw new Error('another one is at it');
  const hold = { id: measurement.id, holder };
  try {
    const figures = await measurer()({ ...measurement, ...hold }, signal);
    await finishMeasurement(system.pool, hold, { state: 'complete', figures });
    return figures;
  } catch (error) {
    const detail = String(error);
    await finishMeasurement(system.pool, hold, { state: 'failed', failure: 'x', detail });
    throw error;
  }
}
const session = (app: string, at: string) =>
  foreign.owner.query('insert into sessions values ($1, $2, $3)', ['acme', app, `2026-${at}:00Z`]);
const rows = async (sql: string) => (await system.pool.query(sql)).rows;
const hours = async () =>
  Object.fromEntries(
    (
      await rows(
        `select to_char(hour at time zone 'UTC', 'MM-DD HH24') as hour, sum(sum)::text as sum from usage_hourly group by 1 order by 1`,
      )
    ).map(({ hour, sum }) => [hour, sum]),
  );

describe('a reading of windows', () => {
  test('sets each hour since it was declared, a while after its end, whenever it comes to it', async () => {
    await declare();
    await session('web', '08-15T11:59');
    await session('web', '08-15T12:00');
    await session('web', '08-15T12:59');
    await session('app', '08-15T13:00');
    expect(await measure('08-15T13:04')).toMatchObject({ hours: 0, changed: 0 });
    expect(await measure('08-15T13:05')).toMatchObject({ hours: 1, changed: 1, projects: 1 });
    expect(await hours()).toEqual({ '08-15 12': '2' });
    // The worker was away.
    await session('app', '08-15T15:30');
    expect(await measure('08-15T17:30')).toMatchObject({ hours: 5, projects: 0 });
    expect(await hours()).toEqual({ '08-15 12': '2', '08-15 13': '1', '08-15 15': '1' });
    expect(await measure()).toMatchObject({ hours: 5, changed: 0 });
  });

  test('reads past hours again, since rows come late, and go', async () => {
    await declare({ reviseHours: 2 });
    await session('web', '08-15T12:30');
    await measure('08-15T13:30');
    await foreign.owner.query("update sessions set app = 'app'");
    await session('app', '08-15T12:45');
    await measure('08-15T14:30');
    expect(await hourlySums(system.pool)).toEqual({
      'acme/app sessions': '2',
      'acme/web sessions': '0',
    });
    await foreign.owner.query('truncate sessions');
    await measure('08-15T17:30');
    // Three hours are new, and the two before them.
    expect(await hours()).toEqual({ '08-15 12': '0' });
  });

  test('of a month that was closed meanwhile makes adjustments, and the month stays as it was', async () => {
    nowMs = Date.parse('2026-08-31T22:10:00Z');
    await declare({ reviseHours: 12 });
    await session('web', '08-31T23:30');
    await measure('09-01T00:06');
    nowMs = Date.parse('2026-09-01T00:10:00Z');
    await takeSnapshots(system.pool, nowMs, signal);
    await closeDueMonths({ pool: system.pool, usageQueues: [], graceMs: 0 }, nowMs, signal);
    await session('web', '08-31T23:40');
    await session('web', '08-31T22:40');
    await measure('09-01T01:06');
    await foreign.owner.query("delete from sessions where started_at < '2026-08-31T23:00Z'");
    await measure('09-01T02:06');
    expect(await hours()).toEqual({ '08-31 23': '1' });
    expect(await rows('select hour::text, sum::text from usage_adjustments order by id')).toEqual([
      { hour: '2026-08-31 22:00:00+00', sum: '1' },
      { hour: '2026-08-31 23:00:00+00', sum: '1' },
      { hour: '2026-08-31 22:00:00+00', sum: '-1' },
    ]);
    const { differences } = await verifyMonth(system.pool, Date.parse('2026-08-01T00:00:00Z'));
    expect(differences).toEqual([]);
  });

  test('that fails in the middle leaves what it has set, and goes on there', async () => {
    await declare({
      query: `select 'acme' as organization, 'web' as project,
        1 / (1 - (select count(*) from sessions where started_at = :start)) as value
        where :end::timestamptz is not null`,
    });
    await session('web', '08-15T14:00');
    await expect(measure('08-15T16:30')).rejects.toMatchObject({ code: 'target_invalid' });
    expect(await hours()).toEqual({ '08-15 12': '1', '08-15 13': '1' });
    await foreign.owner.query('truncate sessions');
    await measure();
    expect(await hours()).toMatchObject({ '08-15 14': '1', '08-15 15': '1' });
  });

  test('is not written over by an answer that got old', async () => {
    await declare();
    nowMs = Date.parse('2026-08-15T13:30:00Z');
    const request = { kind: 'reading', target: 'app', purpose: 'hourly', options: {} } as const;
    const holder = randomUUID();
    const measurement = await beginMeasurement(system.pool, request, holder);
    if (measurement === undefined) throw new Error('another one is at it');
    await session('web', '08-15T12:30');
    await system.pool.query(
      "update measurements set held_until = clock_timestamp() - interval '1 s'",
    );
    await measure();
    await foreign.owner.query('truncate sessions');
    await expect(measurer()({ ...measurement, holder }, signal)).rejects.toMatchObject({
      code: 'measurement_taken_over',
    });
    expect(await hours()).toEqual({ '08-15 12': '1' });
  });

  test('of hours that somebody names reads those, also from before it, and forgets none of the others', async () => {
    await declare({ reviseHours: 0 });
    await session('web', '08-15T10:30');
    await session('web', '08-15T12:30');
    await session('web', '08-15T14:30');
    const asked = { from: '2026-08-15T10:00:00Z', to: '2026-08-15T11:00:00Z' };
    expect(await measure('08-15T15:10', asked)).toMatchObject({ hours: 1, changed: 1 });
    await measure('08-15T15:10', { from: '2026-08-15T14:00:00Z' });
    expect(await hours()).toEqual({ '08-15 10': '1', '08-15 14': '1' });
    expect(await measure()).toMatchObject({ hours: 3 });
    expect(await hours()).toEqual({ '08-15 10': '1', '08-15 12': '1', '08-15 14': '1' });
  });

  test('is due so long after each hour’s end, not when the hour begins', async () => {
    await declare({ delayMinutes: 95 });
    const dueAt = async (at: string) => {
      const due = await dueTargets(system.pool, new Date(`2026-${at}:00Z`));
      return due.map(({ target }) => target);
    };
    await measure('08-15T13:36');
    await system.pool.query("update measurements set started_at = '2026-08-15T13:36Z'");
    expect(await dueAt('08-15T13:50')).toEqual([]);
    expect(await dueAt('08-15T14:00')).toEqual([]);
    expect(await dueAt('08-15T14:30')).toEqual([]);
    expect(await dueAt('08-15T14:35')).toEqual(['app']);
  });

  test('that lost its meter says so and writes nothing', async () => {
    await declare();
    await session('web', '08-15T12:30');
    await system.pool.query("update meters set owner = 'reading:other' where slug = 'sessions'");
    await expect(measure('08-15T13:30')).rejects.toMatchObject({ code: 'measurement_refused' });
    expect(await hours()).toEqual({});
  });
});

describe('a gauge', () => {
  const GAUGE = {
    meter: 'app_devices',
    mode: 'gauge',
    query: `select customer as organization, app as project, count(*) filter (where not retired) as value
      from devices group by 1, 2`,
  };
  const add = (app: string) =>
    foreign.owner.query("insert into devices values ('acme', $1)", [app]);
  const readings = () =>
    rows(
      `select p.slug, r.value::text, to_char(r.at at time zone 'UTC', 'HH24:MI') as at
       from gauge_readings r join projects p on p.id = r.project_id order by r.at, 1`,
    );

  test('has a reading for each project that is named; none for others: missing is never zero', async () => {
    await declare(GAUGE);
    await add('web');
    await add('app');
    expect(await measure('08-15T13:01')).toMatchObject({ projects: 2, unattributed: 0 });
    await foreign.owner.query("delete from devices where app = 'app'");
    await foreign.owner.query("update devices set retired = true where app = 'web'");
    await measure('08-15T14:01');
    expect(await readings()).toEqual([
      { slug: 'app', value: '1', at: '13:01' },
      { slug: 'web', value: '1', at: '13:01' },
      { slug: 'web', value: '0', at: '14:01' },
    ]);
    nowMs = Date.parse('2026-08-17T00:10:00Z');
    await takeSnapshots(system.pool, nowMs, signal);
    expect(
      await rows(
        `select p.slug, d.day::text, d.last::text from usage_daily d join projects p on p.id = d.project_id
         where d.day = '2026-08-16' and meter_id >= 1000 order by 1`,
      ),
    ).toEqual([
      { slug: 'app', day: '2026-08-16', last: '1' },
      { slug: 'web', day: '2026-08-16', last: '0' },
    ]);
  });

  test('that cannot be read has no reading', async () => {
    await declare({ ...GAUGE, query: 'select * from nothing' });
    await expect(measure('08-15T13:01')).rejects.toMatchObject({ code: 'target_invalid' });
    expect(await readings()).toEqual([]);
  });

  test('of a name without a project is kept, and is a reading of the project once there is one', async () => {
    await system.close();
    await open({ autoProvision: false });
    await declare(GAUGE);
    await add('new');
    expect(await measure('08-15T13:01')).toMatchObject({ projects: 1, unattributed: 1 });
    await add('new');
    await measure('08-15T13:31');
    await system.pool.query(
      "insert into projects (organization_id, slug, created_at) select id, 'new', '2026-08-01' from organizations",
    );
    const { partitions, usage } = system.parts;
    await attributeUsage(system.pool, partitions, usage);
    await attributeUsage(system.pool, partitions, usage);
    expect(await readings()).toEqual([{ slug: 'new', value: '2', at: '13:31' }]);
    nowMs = Date.parse('2026-09-01T00:10:00Z');
    await takeSnapshots(system.pool, nowMs, signal);
    await closeDueMonths({ pool: system.pool, usageQueues: [], graceMs: 0 }, nowMs, signal);
    const { differences } = await verifyMonth(system.pool, Date.parse('2026-08-01T00:00:00Z'));
    expect(differences).toEqual([]);
  });
});
