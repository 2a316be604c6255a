import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { addMeter } from '@odometer/database/meters/administer-meters';
import { dueCountBacks } from '@odometer/database/meters/count-back';
import { createPool, type Pool } from '@odometer/database/pool';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { meterDeclarationSchema } from '@odometer/domain/meter-declaration';
import type { CountBack } from '@odometer/queues/catalogue';
import { eventually } from '@odometer/testing/eventually';
import { seededRandom } from '@odometer/testing/seeded-random';
import {
  event,
  hourlySums,
  monthlySums,
  openAppliers,
  Producer,
} from '../../test/applier-fixture.ts';
import { attributeUsage } from '../attribute-usage.ts';
import { UsageWriter } from '../periods/usage-writer.ts';
import { countBack } from './count-back.ts';

jest.setTimeout(120_000);

const NOW_MS = Date.parse('2026-11-20T00:00:00Z');

let system: Awaited<ReturnType<typeof openAppliers>>;
let producer: Producer;
beforeEach(async () => {
  system = await openAppliers({}, () => NOW_MS);
  producer = await new Producer(system.pool, 'events').open();
});
afterEach(() => system.close());

const createMeter = (slug: string, eventType = 'gpu') =>
  addMeter(
    system.pool,
    meterDeclarationSchema.parse({
      slug,
      eventType,
      aggregation: 'sum',
      valueProperty: '$.seconds',
    }),
    'test',
  );

const gpu = (time: string, seconds: unknown = 1, change: Partial<EventEnvelope> = {}) =>
  event({ type: 'gpu', time, data: { seconds }, ...change });

/** Runs a meter's jobs one after the other, as the queue would. */
async function runCountBack(
  meter: string,
  limits?: { readonly budgetMs: number; readonly chunkEvents: number },
  pool: Pool = system.pool,
): Promise<number> {
  const jobs: CountBack[] = [{ meter, part: 0 }];
  const parts = {
    pool,
    usage: new UsageWriter(),
    enqueue: async (next: CountBack) => {
      jobs.push(next);
    },
  };
  for (const job of jobs) await countBack(parts, job, new AbortController().signal, limits);
  return jobs.length;
}

async function closeMonth(organization: string, month: string): Promise<void> {
  await system.pool.query(
    `insert into periods (organization_id, month, state, drafted_at, closing_at, closing_act)
     select id, $2, 'closing', $2, $2, nextval('period_acts') from organizations where slug = $1
     on conflict (organization_id, month) do update set state = 'closing', closing_at = excluded.closing_at,
       closing_act = excluded.closing_act`,
    [organization, month],
  );
}

async function figure(sql: string): Promise<number> {
  const { rows } = await system.pool.query<{ figure: number }>(sql);
  return rows[0]?.figure ?? Number.NaN;
}

test('events that came before the meter are counted as if it had always been there', async () => {
  const events = [
    gpu('2026-08-31T23:59:59.999Z', 1, { device: 'd1' }),
    gpu('2026-09-01T00:00:00.000Z', '2.5'),
    gpu('2026-11-05T10:15:00Z', 4, { project: 'other', subject: 'acme/other' }),
    gpu('2026-11-05T10:59:00Z', 0.5, { device: 'd1' }),
    gpu('2026-11-05T11:00:00Z', 'much'),
    gpu('2026-11-05T11:00:00Z', null),
    event({ type: 'cpu', data: { seconds: 99 } }),
  ];
  await system.events.apply([producer.events(...events)]);
  const changedBefore = await figure('select count(*)::int as figure from changed_days');
  expect(changedBefore).toBe(0);
  await createMeter('gpu_seconds');
  expect(await dueCountBacks(system.pool)).toEqual([{ meter: 'gpu_seconds', part: 0 }]);
  await runCountBack('gpu_seconds');
  expect(await dueCountBacks(system.pool)).toEqual([]);

  // What a meter counts that was there from the start, of the same events sent again.
  await createMeter('live', 'gpu-live');
  await system.events.apply([
    producer.events(
      ...events
        .filter(({ type }) => type === 'gpu')
        .map((each) => ({ ...each, id: `${each.id}-live`, type: 'gpu-live' })),
    ),
  ]);
  const of = (table: string, meter: string) =>
    system.pool
      .query(
        `select u.*, null as meter_id, null as updated_at from ${table} u join meters m on m.id = u.meter_id
         where m.slug = $1 order by 1, 2, 3, 4`,
        [meter],
      )
      .then(({ rows }) => rows);
  for (const table of ['usage_hourly', 'usage_monthly', 'device_usage_daily']) {
    const counted = await of(table, 'gpu_seconds');
    expect(counted.length).toBeGreaterThan(0);
    expect(counted).toEqual(await of(table, 'live'));
  }
  expect(await monthlySums(system.pool)).toMatchObject({
    'acme/web gpu_seconds': '4.0',
    'acme/other gpu_seconds': '4',
  });
  expect(await figure('select count(*)::int as figure from changed_days')).toBe(4);
  // Again, late: nothing is left to do.
  await runCountBack('gpu_seconds');
  expect(await of('usage_hourly', 'gpu_seconds')).toEqual(await of('usage_hourly', 'live'));
});

test('a meter of a type that no event can have needs no counting back', async () => {
  await createMeter('first');
  expect(await dueCountBacks(system.pool)).toEqual([]);
});

test('many jobs with tiny chunks, at once, over events of one instant count each event once', async () => {
  const instants = ['2026-10-31T23:59:59.999Z', '2026-11-01T00:00:00.000Z'];
  await system.events.apply([
    producer.events(...instants.flatMap((time) => Array.from({ length: 60 }, () => gpu(time)))),
  ]);
  await createMeter('gpu_seconds');
  const limits = { budgetMs: 50, chunkEvents: 7 };
  const parts = await Promise.all([1, 2, 3].map(() => runCountBack('gpu_seconds', limits)));
  expect(Math.max(...parts)).toBeGreaterThan(2);
  expect(await dueCountBacks(system.pool)).toEqual([]);
  expect(await hourlySums(system.pool)).toEqual({ 'acme/web gpu_seconds': '120' });
  expect(await monthlySums(system.pool)).toEqual({ 'acme/web gpu_seconds': '120' });
});

test('closed months are left out, organization by organization, and never become adjustments', async () => {
  await system.events.apply([
    producer.events(
      ...['acme', 'zeta'].flatMap((organization) => {
        const whose = { organization, subject: `${organization}/web`, device: 'd1' };
        return [gpu('2026-09-10T10:00:00Z', 1, whose), gpu('2026-11-10T10:00:00Z', 2, whose)];
      }),
    ),
  ]);
  await closeMonth('acme', '2026-09-01T00:00:00Z');
  await createMeter('gpu_seconds');
  await runCountBack('gpu_seconds');
  expect(await monthlySums(system.pool)).toEqual({
    'acme/web gpu_seconds': '2',
    'zeta/web gpu_seconds': '3',
  });
  expect(await figure('select count(*)::int as figure from usage_adjustments')).toBe(0);
  expect(
    await figure("select count(*)::int as figure from device_usage_daily where day < '2026-10-01'"),
  ).toBe(1);
  const { rows } = await system.pool.query<{ known: boolean }>(
    'select counted_back_at >= (select max(closing_at) from periods) as known from meters where slug = $1',
    ['gpu_seconds'],
  );
  expect(rows).toEqual([{ known: true }]);
});

test('an event whose project is registered later, before, while or after it is counted back, counts once', async () => {
  await system.close();
  system = await openAppliers({ autoProvision: false }, () => NOW_MS);
  producer = await new Producer(system.pool, 'events').open();
  await system.pool.query("insert into organizations (slug) values ('acme')");
  const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
  await system.events.apply([
    producer.events(
      ...names.flatMap((project) =>
        ['2026-09-10T10:00:00Z', '2026-10-10T10:00:00Z', '2026-11-10T10:00:00Z'].map((time) =>
          gpu(time, 1, { project, subject: `acme/${project}`, device: 'd1' }),
        ),
      ),
    ),
  ]);
  await closeMonth('acme', '2026-09-01T00:00:00Z');
  await createMeter('gpu_seconds');
  const register = async () => {
    for (const name of names) {
      await system.pool.query(
        "insert into projects (organization_id, slug) select id, $1 from organizations where slug = 'acme'",
        [name],
      );
      await attributeUsage(system.pool, system.parts.partitions, system.parts.usage);
    }
  };
  await Promise.all([register(), runCountBack('gpu_seconds', { budgetMs: 1e9, chunkEvents: 5 })]);
  await attributeUsage(system.pool, system.parts.partitions, system.parts.usage);
  expect(await hourlySums(system.pool)).toEqual(
    Object.fromEntries(names.map((name) => [`acme/${name} gpu_seconds`, '2'])),
  );
  expect(await figure('select count(*)::int as figure from usage_adjustments')).toBe(0);
  expect(
    await figure("select count(*)::int as figure from unattributed_usage where device = ''"),
  ).toBe(0);
  expect(await figure('select sum(count)::int as figure from unattributed_usage')).toBe(24);
});

test('a meter waits for the events that are being applied by the catalogue without it', async () => {
  await system.events.apply([producer.events(gpu('2026-11-05T10:00:00Z', 1))]);
  const waiting = (locktype: string) =>
    eventually(async () => {
      const { rows } = await system.pool.query<{ waiting: number }>(
        `select count(*)::int as waiting from pg_locks
         where locktype = $1 and not granted
           and (database is null or database = (select oid from pg_database where datname = current_database()))`,
        [locktype],
      );
      return rows[0]?.waiting === 1;
    });
  const blocker = await system.pool.connect();
  try {
    await blocker.query('begin');
    await blocker.query('lock table events in share mode');
    const applying = system.events.apply([producer.events(gpu('2026-11-05T10:00:00Z', 2))]);
    await waiting('relation');
    const counting = createMeter('gpu_seconds').then(() => runCountBack('gpu_seconds'));
    await waiting('advisory');
    await blocker.query('commit');
    await Promise.all([applying, counting]);
  } finally {
    blocker.release();
  }
  expect(await hourlySums(system.pool)).toEqual({ 'acme/web gpu_seconds': '3' });
});

test('meters created while four workers apply events: counted back and live are all events exactly', async () => {
  const random = seededRandom(20_261_120);
  const workers = [system.events, ...[1, 2, 3].map(() => system.worker().events)];
  for (let round = 0; round < 8; round += 1) {
    const type = `type-${round}`;
    // All of one hour, which is counted back at once, or of two months, which takes its time.
    const spreadMs = round % 2 === 0 ? 3_600_000 : 60 * 86_400_000;
    let sent = 0;
    let remaining = 40;
    const applying = workers.map(async (worker) => {
      while (remaining > 0) {
        remaining -= 1;
        const size = random.integer(1, 20);
        const events = Array.from({ length: size }, () => {
          const seconds = random.integer(1, 1_000);
          sent += seconds;
          const atMs = NOW_MS - random.integer(0, spreadMs);
          return gpu(new Date(atMs).toISOString(), seconds, { type });
        });
        await worker.apply([producer.events(...events)]);
      }
    });
    const after = random.integer(0, 30);
    const creating = (async () => {
      while (remaining > 40 - after) await new Promise((resolve) => setImmediate(resolve));
      await createMeter(`meter_${round}`, type);
      await Promise.all([
        runCountBack(`meter_${round}`, { budgetMs: 1e9, chunkEvents: 13 }),
        runCountBack(`meter_${round}`, { budgetMs: 1e9, chunkEvents: 50 }),
      ]);
    })();
    await Promise.all([...applying, creating]);
    const name = `acme/web meter_${round}`;
    expect((await hourlySums(system.pool))[name]).toBe(String(sent));
    expect((await monthlySums(system.pool))[name]).toBe(String(sent));
  }
});

test('killed at any moment and begun again, it counts each event once', async () => {
  const random = seededRandom(7);
  await system.events.apply([
    producer.events(
      ...Array.from({ length: 600 }, (_, index) =>
        gpu(new Date(NOW_MS - index * 3_600_000).toISOString(), 1, { device: `d${index % 5}` }),
      ),
    ),
  ]);
  await createMeter('gpu_seconds');
  const pool = createPool(
    { url: system.url, applicationName: 'victim', maxConnections: 3 },
    () => {},
  );
  let kills = 0;
  try {
    while ((await dueCountBacks(system.pool)).length > 0) {
      let isRunning = true;
      const running = runCountBack('gpu_seconds', { budgetMs: 1e9, chunkEvents: 10 }, pool)
        .catch(() => {})
        .finally(() => {
          isRunning = false;
        });
      while (isRunning && kills < 20) {
        await new Promise((resolve) => setTimeout(resolve, random.integer(0, 60)));
        const { rowCount } = await system.pool.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'",
        );
        kills += rowCount ?? 0;
      }
      await running;
    }
  } finally {
    await pool.end();
  }
  expect(kills).toBeGreaterThan(2);
  expect(await hourlySums(system.pool)).toEqual({ 'acme/web gpu_seconds': '600' });
  expect(await monthlySums(system.pool)).toEqual({ 'acme/web gpu_seconds': '600' });
  expect(await figure('select sum(count)::int as figure from device_usage_daily')).toBe(600);
});

test('stops when it is told to, and goes on from there', async () => {
  await system.events.apply([
    producer.events(...[1, 2, 3].map((day) => gpu(`2026-11-0${day}T10:00:00Z`))),
  ]);
  await createMeter('gpu_seconds');
  const stopping = new AbortController();
  let chunks = 0;
  class StoppingWriter extends UsageWriter {
    override begin(...args: Parameters<UsageWriter['begin']>) {
      chunks += 1;
      if (chunks === 2) stopping.abort();
      return super.begin(...args);
    }
  }
  const job = { meter: 'gpu_seconds', part: 0 };
  const usage = new StoppingWriter();
  await countBack({ pool: system.pool, usage, enqueue: async () => {} }, job, stopping.signal);
  expect(chunks).toBe(2);
  expect(await dueCountBacks(system.pool)).toEqual([job]);
  await runCountBack('gpu_seconds');
  expect(await hourlySums(system.pool)).toEqual({ 'acme/web gpu_seconds': '3' });
});
