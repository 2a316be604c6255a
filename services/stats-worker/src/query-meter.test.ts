import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { MeterQuery, MeterQueryRow } from '@odometer/database/query/meter-query';
import { findQueriedMeter } from '@odometer/database/query/queried-meter';
import { queryMeter } from '@odometer/database/query/query-meter';
import { formatQuantity } from '@odometer/domain/decimal';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import type { Aggregation } from '@odometer/domain/meters';
import { parseValuePath } from '@odometer/domain/value-path';
import { zoneClock } from '@odometer/domain/windows/time-zone';
import { cutWindows, WINDOW_SIZES, type WindowSize } from '@odometer/domain/windows/windows';
import { type SeededRandom, seededRandom, seedsOfThisRun } from '@odometer/testing/seeded-random';
import { event, openAppliers, Producer } from '../test/applier-fixture.ts';
import { measureEvent } from './measure-event.ts';
import { refreshDays } from './periods/refresh-days.ts';

const NOW_MS = Date.parse('2026-11-20T00:00:00Z');

let appliers: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;

beforeEach(async () => {
  appliers = await openAppliers({}, () => NOW_MS);
  producer = await new Producer(appliers.pool, 'events').open();
});
afterEach(() => appliers.close());

interface TestMeter {
  readonly slug: string;
  readonly aggregation: Aggregation;
  readonly path: string;
  readonly defaultValue: string | null;
}

const meter = (aggregation: Aggregation, path: string, defaultValue: string | null = null) => ({
  slug: aggregation,
  aggregation,
  path,
  defaultValue,
});

const METERS: readonly TestMeter[] = [
  meter('sum', '$.value', '1'),
  meter('count', '$'),
  meter('avg', '$.value'),
  meter('min', '$.value'),
  meter('max', '$["in use"][0]'),
  meter('latest', '$.value'),
  meter('unique_count', '$.who'),
];

async function createMeters(): Promise<void> {
  for (const { slug, aggregation, path, defaultValue } of METERS) {
    await appliers.pool.query(
      `insert into meters (id, slug, kind, unit, event_type, aggregation, value_path, default_value, group_by, owner)
       values (nextval('meter_ids'), $1, 'counter', 'unit', 'e', $2, $3, $4, '{"who": "$.who"}', 'events')`,
      [slug, aggregation, path, defaultValue],
    );
  }
  await appliers.pool.query('update meter_catalogue set version = version + 1');
}

/** Around changes of clocks in Prague (25 October), New York (1 November) and Lord Howe (3 October), and ends of months. */
const RANGES = [
  ['2026-10-24T20:00:00Z', 12 * 60],
  ['2026-10-31T18:00:00Z', 24 * 60],
  ['2026-10-03T12:00:00Z', 6 * 60],
  ['2026-09-28T00:00:00Z', 50 * 24 * 60],
] as const;

function randomInstant(random: SeededRandom, grainMs: number): number {
  const [start, minutes] = random.pick(RANGES);
  const atMs = Date.parse(start) + random.integer(0, minutes * 60_000);
  return Math.floor(atMs / grainMs) * grainMs;
}

function randomEvent(random: SeededRandom): EventEnvelope {
  const organization = random.pick(['acme', 'beta']);
  const project = random.pick(['web', 'app']);
  const device = random.pick(['', '', 'd1', 'd2']);
  // Some are bare, as from a key of the organization.
  const name = device === '' && random.integer(0, 3) === 0 ? project : `${organization}/${project}`;
  const value = random.pick([
    random.integer(-5, 100),
    random.integer(-5, 100) / 8,
    `${random.integer(0, 99)}.10`,
    '12345678901234567890123456789.000000000001',
    0.1,
    null,
    true,
    'none',
  ]);
  return event({
    organization,
    project,
    ...(device === '' ? {} : { device }),
    subject: device === '' ? name : `${name}/${device}`,
    type: random.integer(0, 9) === 0 ? 'other' : 'e',
    time: new Date(randomInstant(random, random.pick([1, 1_000, 3_600_000]))).toISOString(),
    data: random.pick<() => unknown>([
      () => ({
        value,
        who: random.pick(['anna', 'bob', 1, '1', null]),
        'in use': [random.integer(0, 9)],
      }),
      () => ({ value }),
      () => ({ who: { first: 'anna' } }),
      () => 'text',
      () => undefined,
      () => null,
    ])(),
  });
}

interface Question {
  readonly meter: TestMeter;
  readonly size: WindowSize | null;
  readonly zone: string;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly organization: string | null;
  readonly subjects: readonly string[] | null;
  readonly groupsByWho: boolean;
}

const ZONES = [
  'UTC',
  'UTC',
  'Europe/Prague',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Kiritimati',
  'Etc/GMT+12',
];

function randomQuestion(random: SeededRandom): Question {
  const bound = () =>
    random.integer(0, 4) === 0
      ? null
      : randomInstant(random, random.pick([1_000, 60_000, 3_600_000, 86_400_000]));
  const [a, b] = [bound(), bound()];
  const isReversed = a !== null && b !== null && a > b;
  return {
    meter: random.pick(METERS),
    size: random.pick([null, null, ...WINDOW_SIZES, 'HOUR', 'DAY', 'DAY'] as const),
    zone: random.pick(ZONES),
    fromMs: isReversed ? b : a,
    toMs: isReversed ? a : b,
    organization: random.pick([null, null, 'acme', 'nobody']),
    subjects: random.pick([
      null,
      null,
      ['acme/web'],
      ['acme/web', 'acme/app'],
      ['acme/web/d1'],
      ['acme/x'],
    ]),
    groupsByWho: random.integer(0, 9) === 0,
  };
}

async function queryOf(question: Question): Promise<MeterQuery> {
  const { size, zone, fromMs, toMs, organization, subjects, groupsByWho } = question;
  const queried = await findQueriedMeter(appliers.pool, question.meter.slug);
  const clock = zoneClock(zone);
  if (queried === undefined || clock === undefined) throw new Error('no such meter or zone');
  return {
    meter: queried,
    organization,
    fromMs,
    toMs,
    window: size === null ? null : { size, clock },
    subjects:
      subjects?.map((label) => {
        const [organization = '', project = '', device] = label.split('/');
        return { label, organization, project, device };
      }) ?? null,
    organizations: null,
    groupBy: [
      ...(subjects === null ? [] : [{ by: 'subject' as const }]),
      ...(groupsByWho ? [{ by: 'dimension' as const, name: 'who' }] : []),
    ],
    filters: [],
  };
}

/** The answer as a few lines of arithmetic over all events have it. */
function expectedAnswer(question: Question, events: readonly EventEnvelope[]): readonly string[] {
  const { meter, size, zone, fromMs, toMs, organization, subjects, groupsByWho } = question;
  const clock = zoneClock(zone);
  if (clock === undefined) throw new Error('no such zone');
  const path = parseValuePath(meter.path) ?? [];
  const measured = events.flatMap((each) => {
    const atMs = Date.parse(each.time);
    if (each.type !== 'e' || atMs < (fromMs ?? -Infinity) || atMs >= (toMs ?? Infinity)) return [];
    if (organization !== null && each.organization !== organization) return [];
    const data = each.data === undefined ? undefined : JSON.parse(JSON.stringify(each.data));
    const quantity = measureEvent(
      data,
      {
        id: 1,
        aggregation: meter.aggregation,
        valuePath: path,
        defaultValue: meter.defaultValue === null ? undefined : 10n ** 12n,
      },
      false,
    );
    if (typeof quantity === 'string') return [];
    const names = [
      `${each.organization}/${each.project}`,
      `${each.organization}/${each.project}/${each.device}`,
    ];
    const labels = subjects === null ? [null] : subjects.filter((name) => names.includes(name));
    const who: unknown = data?.who;
    const text = who === undefined || who === null ? null : textOf(who);
    return labels.map((subject) => ({
      atMs,
      quantity,
      subject,
      text,
      who: groupsByWho ? text : undefined,
    }));
  });
  const times = measured.map(({ atMs }) => atMs);
  const windows =
    size === null || times.length === 0
      ? null
      : cutWindows(size, clock, Math.min(...times), Math.max(...times) + 1);
  const windowOf = (atMs: number): readonly [number, number] => {
    if (windows === null) return [0, 0];
    if (windows.kind === 'even') {
      const startMs = Math.floor(atMs / windows.lengthMs) * windows.lengthMs;
      return [startMs, startMs + windows.lengthMs];
    }
    const next = windows.boundsMs.findIndex((boundMs) => boundMs > atMs);
    return [windows.boundsMs[next - 1] ?? 0, windows.boundsMs[next] ?? 0];
  };
  const groups = new Map<string, (typeof measured)[number][]>();
  for (const each of measured) {
    const key = JSON.stringify([windowOf(each.atMs), each.subject, each.who ?? null]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()]
    .map((group) => {
      const [first] = group;
      if (first === undefined) throw new Error('a group of none');
      const atMs = group.map((each) => each.atMs);
      const [startMs, endMs] =
        windows === null
          ? [minute(Math.min(...atMs)), minute(Math.max(...atMs)) + 60_000]
          : windowOf(first.atMs);
      const value = aggregate(meter.aggregation, group);
      return line(
        value,
        startMs,
        endMs,
        first.subject,
        groupsByWho ? (first.who ?? null) : undefined,
      );
    })
    .sort();
}

function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value).replace(':', ': ') : String(value);
}

function minute(atMs: number): number {
  return Math.floor(atMs / 60_000) * 60_000;
}

function aggregate(
  aggregation: Aggregation,
  group: readonly {
    readonly atMs: number;
    readonly quantity: bigint;
    readonly text: string | null;
  }[],
): string {
  const quantities = group.map(({ quantity }) => quantity);
  const sum = quantities.reduce((a, b) => a + b, 0n);
  const ascending = (values: readonly bigint[]) => values.toSorted((a, b) => (a < b ? -1 : 1));
  const greatest = (values: readonly bigint[]) => ascending(values).at(-1) ?? 0n;
  switch (aggregation) {
    case 'unique_count':
      return String(new Set(group.map(({ text }) => text)).size);
    case 'count':
      return String(group.length);
    case 'avg':
      return `${formatQuantity(sum)}/${group.length}`;
    case 'min':
      return formatQuantity(ascending(quantities)[0] ?? 0n);
    case 'max':
      return formatQuantity(greatest(quantities));
    case 'latest': {
      const lastMs = Math.max(...group.map(({ atMs }) => atMs));
      return formatQuantity(
        greatest(group.filter(({ atMs }) => atMs === lastMs).map(({ quantity }) => quantity)),
      );
    }
    default:
      return formatQuantity(sum);
  }
}

function line(
  value: string,
  startMs: number,
  endMs: number,
  subject: string | null,
  who: string | null | undefined,
): string {
  return `${new Date(startMs).toISOString()} ${new Date(endMs).toISOString()} ${subject} ${who} ${value}`;
}

/** @param isAverage then values are left out: they are quotients, and compared between both ways to answer only. */
function lines(rows: readonly MeterQueryRow[], isAverage: boolean): readonly string[] {
  return rows
    .map((row) =>
      line(isAverage ? '' : row.value, row.startMs, row.endMs, row.subject, row.groupBy.who),
    )
    .sort();
}

async function apply(events: readonly EventEnvelope[]): Promise<void> {
  for (let i = 0; i < events.length; i += 50) {
    await appliers.events.apply([producer.events(...events.slice(i, i + 50))]);
  }
}

test.each(seedsOfThisRun(2))(
  'nobody can tell by the numbers whether sums or events were asked (seed %i)',
  async (seed) => {
    const random = seededRandom(seed);
    await createMeters();
    const events = Array.from({ length: 600 }, () => randomEvent(random));
    await apply(events.slice(0, 300));
    await refreshDays(appliers.pool, new AbortController().signal);
    // One organization's September and October are closed: what comes now for them is late.
    await appliers.pool.query(
      `insert into periods (organization_id, month, state, drafted_at, closing_at, closing_act)
       select o.id, m, 'closing', m, now(), nextval('period_acts') from organizations o, unnest(array['2026-09-01Z', '2026-10-01Z']::timestamptz[]) m
       where o.slug = 'acme'
       on conflict (organization_id, month) do update set state = 'closing', closing_at = now(), closing_act = excluded.closing_act`,
    );
    await apply(events.slice(300));
    const { rows } = await appliers.pool.query<{ days: number; changed: number; late: number }>(
      `select (select count(*) from usage_daily)::integer as days, (select count(*) from changed_days)::integer as changed,
         (select count(*) from usage_adjustments)::integer as late`,
    );
    for (const count of Object.values(rows[0] ?? {})) expect(count).toBeGreaterThan(10);

    let notEmpty = 0;
    for (let i = 0; i < 120; i += 1) {
      const question = randomQuestion(random);
      const query = await queryOf(question);
      const summed = await queryMeter(appliers.pool, query, 'summed');
      const fromEvents = await queryMeter(appliers.pool, query, 'events');
      const asked = `seed ${seed} question ${JSON.stringify(question)}`;
      expect({ asked, rows: summed }).toEqual({ asked, rows: fromEvents });
      const isAverage = question.meter.aggregation === 'avg';
      const expected = expectedAnswer(question, events).map((text) =>
        isAverage ? text.replace(/\S+$/, '') : text,
      );
      expect({ asked, rows: lines(summed, isAverage) }).toEqual({ asked, rows: expected });
      if (summed.length > 0) notEmpty += 1;
    }
    expect(notEmpty).toBeGreaterThan(40);
  },
  120_000,
);

const ALL: Omit<Question, 'meter'> = {
  size: 'DAY',
  zone: 'UTC',
  fromMs: null,
  toMs: null,
  organization: null,
  subjects: null,
  groupsByWho: false,
};

const ask = async (slug: string, change: Partial<Question> = {}): Promise<readonly string[]> => {
  const query = await queryOf({ ...ALL, meter: meter('sum', '$'), ...change });
  const queried = await findQueriedMeter(appliers.pool, slug);
  if (queried === undefined) throw new Error(`no meter ${slug}`);
  const rows = await queryMeter(appliers.pool, { ...query, meter: queried });
  return rows.map(
    ({ startMs, value }) => `${new Date(startMs).toISOString().slice(0, 16)} ${value}`,
  );
};

/** What the appliers of messages and readings write. */
async function addHours(meterSlug: string, ...hours: readonly [string, string, number][]) {
  for (const [project, hour, value] of hours) {
    await appliers.pool.query(
      `with added as (
         insert into usage_hourly (project_id, meter_id, hour, organization_id, sum, count, min, max, last, last_at)
         select p.id, m.id, $3, p.organization_id, $4, 1, $4, $4, $4, $3 from projects p, meters m
         where p.slug = $1 and m.slug = $2 returning *
       ), months as (
         insert into usage_monthly select project_id, meter_id, date_trunc('month', hour, 'UTC'), organization_id, sum, count, min, max, last, last_at
         from added on conflict (project_id, meter_id, month) do nothing
       )
       insert into changed_days select project_id, (hour at time zone 'UTC')::date, 1 from added on conflict do nothing`,
      [project, meterSlug, hour, value],
    );
  }
}

test('a level is the last of each project, added up over projects', async () => {
  await createMeters();
  await apply([event({ project: 'web' }), event({ project: 'app' })]);
  await addHours(
    's3_storage_bytes',
    ['web', '2026-11-05T01:00Z', 100],
    ['web', '2026-11-05T02:00Z', 70],
    ['app', '2026-11-05T01:00Z', 5],
    ['app', '2026-11-06T01:00Z', 6],
  );
  expect(await ask('s3_storage_bytes')).toEqual(['2026-11-05T00:00 75', '2026-11-06T00:00 6']);
});

test('messages add up in any zone of whole hours', async () => {
  await createMeters();
  await apply([event({ project: 'web' })]);
  await addHours(
    'mqtt_inbound',
    ['web', '2026-11-05T22:00Z', 1],
    ['web', '2026-11-05T23:00Z', 2],
    ['web', '2026-11-06T22:00Z', 4],
  );
  expect(await ask('mqtt_inbound')).toEqual(['2026-11-05T00:00 3', '2026-11-06T00:00 4']);
  expect(await ask('mqtt_inbound', { zone: 'Europe/Prague' })).toEqual([
    '2026-11-04T23:00 1',
    '2026-11-05T23:00 6',
  ]);
  await expect(ask('mqtt_inbound', { zone: 'Asia/Kathmandu' })).rejects.toMatchObject({
    code: 'query_unanswerable',
  });
});

test('a month that was closed before a meter was counted back is read from its events', async () => {
  await apply([
    event({ type: 'e', time: '2026-10-05T10:00:00Z' }),
    event({ type: 'e', time: '2026-11-05T10:00:00Z' }),
  ]);
  await createMeters();
  await appliers.pool.query(
    `insert into periods (organization_id, month, state, drafted_at, closing_at, closing_act)
     select id, '2026-10-01Z', 'closing', now(), now(), nextval('period_acts') from organizations
     on conflict (organization_id, month) do update set state = 'closing', closing_at = now(), closing_act = excluded.closing_act`,
  );
  await appliers.pool.query("update meters set counted_back_at = now() where slug = 'sum'");
  // What was counted back: November only, since October is closed.
  await addHours('sum', ['web', '2026-11-05T10:00Z', 1]);
  expect(await ask('sum')).toEqual(['2026-10-05T00:00 1', '2026-11-05T00:00 1']);
  await appliers.pool.query("update event_retention set kept_from = '2026-10-10T00:00Z'");
  await expect(ask('sum')).rejects.toMatchObject({ code: 'query_unanswerable' });
  expect(await ask('sum', { fromMs: Date.parse('2026-11-01T00:00Z') })).toEqual([
    '2026-11-05T00:00 1',
  ]);
});
