import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { JobQueue } from '@odometer/queues/job-queue';
import { event, hourlySums, monthlySums, Producer } from '../../test/applier-fixture.ts';
import { ask } from '../../test/ask-posthoc.ts';
import { albLine, openPosthoc } from '../../test/posthoc-fixture.ts';
import { planDueRuns } from './plan-due.ts';

let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
beforeEach(async () => {
  posthoc = await openPosthoc();
});
afterEach(() => posthoc.close());

const DAY = 'alb/2026/08/15';
const at = (time: string) => `2026-08-15T${time}:00Z`;
const sums = () => hourlySums(posthoc.pool);
const stored = async (sql: string) => (await posthoc.pool.query(sql)).rows;

test('rows of logs become events of their window, and usage that the familiar view shows', async () => {
  await posthoc.declare(at('10:20'));
  posthoc.write(`${DAY}/a.log.gz`, [
    albLine('09:59:59', 'web'),
    albLine('10:00:00', 'web'),
    albLine('10:59:59', 'web'),
    albLine('11:00:00', 'web'),
  ]);
  posthoc.write(`${DAY}/b.log`, [albLine('10:30:00', 'app')]);
  await posthoc.ring(at('11:59'));
  expect(await posthoc.shown()).toEqual([]);
  await posthoc.ring(at('12:00'));
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'done', '3', '3']]);
  expect(await sums()).toEqual({ 'acme/app api_calls': '1', 'acme/web api_calls': '2' });
  expect(
    await stored(
      `select source, id like 'posthoc.alb.2026-08-15T10:00:00.000Z.1.%' as named, to_char(time at time zone 'UTC', 'HH24:MI') as time,
         data, attributes from events order by data ->> 'value'`,
    ),
  ).toEqual(
    ['1', '2'].map((value) => ({
      source: 'posthoc/alb',
      named: true,
      time: '10:00',
      data: { value },
      attributes: { posthocrevision: 1 },
    })),
  );
});

describe('an answer that is another one than before', () => {
  beforeEach(async () => {
    await posthoc.declare(at('10:20'), { maxFallPercent: 50 });
    posthoc.write(
      `${DAY}/a.log.gz`,
      [1, 2, 3, 4].map((n) => albLine(`10:00:0${n}`, 'web')),
    );
    posthoc.write(`${DAY}/b.log.gz`, [albLine('10:00:00', 'app'), albLine('10:00:00', 'ops')]);
    await posthoc.ring(at('12:00'));
  });

  test('ships its difference, up and down, new and gone: the total is that of the last answer', async () => {
    posthoc.write(
      `${DAY}/a.log.gz`,
      [1, 2, 3].map((n) => albLine(`10:00:0${n}`, 'web')),
    );
    posthoc.write(`${DAY}/b.log.gz`, [
      albLine('10:00:00', 'app'),
      albLine('10:00:00', 'app'),
      albLine('10:00:00', 'new'),
    ]);
    await posthoc.ring(at('17:00'));
    expect((await posthoc.shown()).filter(([window]) => window === '10:00')).toEqual([
      ['10:00', 2, 'done', '6', '0'],
      ['10:00', 1, 'done', '6', '6'],
    ]);
    const expected = {
      'acme/app api_calls': '2',
      'acme/new api_calls': '1',
      'acme/ops api_calls': '0',
      'acme/web api_calls': '3',
    };
    expect(await sums()).toEqual(expected);
    expect(await monthlySums(posthoc.pool)).toEqual(expected);
  });

  test('that is the same ships nothing', async () => {
    await posthoc.ring(at('17:00'));
    expect((await posthoc.shown()).at(-2)).toEqual(['10:00', 2, 'done', '6', '0']);
    expect(await stored('select from events')).toHaveLength(3);
  });

  test('far below is held and told, until it is back, or somebody accepts it', async () => {
    rmSync(join(posthoc.directory, DAY, 'a.log.gz'));
    rmSync(join(posthoc.directory, DAY, 'b.log.gz'));
    await posthoc.ring(at('17:00'));
    const [held] = (await posthoc.runs()).filter(({ state }) => state === 'held');
    expect(held).toMatchObject({
      revision: 2,
      detail: 'it fell from 6 to 0',
      total: '0',
      events: '0',
    });
    expect(posthoc.lines.filter(({ event: name }) => name === 'posthoc_answer_held')).toHaveLength(
      1,
    );
    expect(await sums()).toMatchObject({ 'acme/web api_calls': '4' });
    expect(posthoc.parts.counts.runs()).toContainEqual([{ outcome: 'held' }, 1]);
  });

  test('is taken from the last one believed, and not from one that was held', async () => {
    rmSync(join(posthoc.directory, DAY, 'a.log.gz'));
    await posthoc.ring(at('17:00'));
    expect((await posthoc.shown()).at(-2)).toEqual(['10:00', 2, 'held', '2', '0']);
    posthoc.write(
      `${DAY}/a.log.gz`,
      [1, 2, 3, 4, 5].map((n) => albLine(`10:00:0${n}`, 'web')),
    );
    await ask(posthoc.pool, 'alb', at('10:00'));
    await posthoc.ring(at('17:00'));
    expect((await posthoc.shown()).at(-3)).toEqual(['10:00', 3, 'done', '7', '1']);
    rmSync(join(posthoc.directory, DAY, 'a.log.gz'));
    await ask(posthoc.pool, 'alb', at('10:00'), true);
    await posthoc.ring(at('17:00'));
    expect((await posthoc.shown()).at(-4)).toEqual(['10:00', 4, 'done', '2', '-5']);
    expect(await sums()).toMatchObject({ 'acme/web api_calls': '0', 'acme/app api_calls': '1' });
  });

  test('that somebody accepts is accepted by the run that takes its place before there is an answer, and by no later one', async () => {
    rmSync(join(posthoc.directory, DAY, 'a.log.gz'));
    await ask(posthoc.pool, 'alb', at('10:00'), true);
    await posthoc.ring(at('17:00'));
    expect((await posthoc.shown()).slice(-3)).toEqual([
      ['10:00', 3, 'done', '2', '-4'],
      ['10:00', 2, 'superseded', null, null],
      ['10:00', 1, 'done', '6', '6'],
    ]);
    rmSync(join(posthoc.directory, DAY, 'b.log.gz'));
    await ask(posthoc.pool, 'alb', at('10:00'));
    await posthoc.ring(at('17:00'));
    expect((await posthoc.shown()).at(-4)).toEqual(['10:00', 4, 'held', '0', '0']);
  });
});

test('two revisions that are answered at once: the second takes its difference from the first', async () => {
  await posthoc.declare(at('10:20'));
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  // Shipping of the first stops before anything is in the queue.
  const lost = new Error('Connection terminated');
  await expect(posthoc.ring(at('12:00'), { enqueue: () => Promise.reject(lost) })).rejects.toBe(
    lost,
  );
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'answered', '1', '1']]);
  posthoc.write(`${DAY}/b.log.gz`, [albLine('10:00:01', 'web'), albLine('10:00:02', 'web')]);
  await posthoc.ring(at('17:00'));
  expect((await posthoc.shown()).filter(([window]) => window === '10:00')).toEqual([
    ['10:00', 2, 'done', '3', '2'],
    ['10:00', 1, 'done', '1', '1'],
  ]);
  expect(await sums()).toEqual({ 'acme/web api_calls': '3' });
});

test('a query that fails is tried again, and nothing of its window is lost', async () => {
  await posthoc.declare(at('10:20'));
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  writeFileSync(join(posthoc.directory, DAY, 'broken.log.gz'), 'no gzip');
  await posthoc.ring(at('12:00'));
  const [failed] = await posthoc.runs();
  expect(failed).toMatchObject({ state: 'failed', failure: 'target_invalid', attempt: 1 });
  // Not before its time.
  rmSync(join(posthoc.directory, DAY, 'broken.log.gz'));
  await posthoc.ring(at('12:00'));
  expect((await posthoc.runs())[0]?.state).toBe('failed');
  await posthoc.pool.query(`update posthoc_runs set retry_at = '2026-08-15T12:10Z'`);
  await posthoc.ring(at('12:10'));
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'done', '1', '1']]);
  expect(await sums()).toEqual({ 'acme/web api_calls': '1' });
});

test('a metric with hundreds of windows to ask for holds up no other: each is asked for in its turn', async () => {
  await posthoc.declare(at('10:20'), { lookback: 2_000 });
  await posthoc.declare(at('10:20'), { name: 'other', eventType: 'logins' });
  const added: { readonly run: string; readonly turn: number | undefined }[] = [];
  const queue = {
    add: async (
      _name: string,
      { runId }: { readonly runId: string },
      _id: string,
      turn?: number,
    ) => {
      added.push({ run: runId, turn });
    },
  } as unknown as JobQueue<'posthoc'>;
  await planDueRuns(posthoc.pool, queue, Date.parse(at('12:00')));
  const other = (await stored(`select id from posthoc_runs where metric = 'other'`))[0];
  expect(added.slice(0, 2).map(({ turn }) => turn)).toEqual([1, 1]);
  expect(added.slice(0, 2)).toContainEqual({ run: other.id, turn: 1 });
  expect(added).toHaveLength(501);
  expect(added.at(-1)?.turn).toBe(500);
  // What is only waited for takes nobody's place.
  const { rows: shipped } = await posthoc.pool.query<{ id: string }>(
    `update posthoc_runs set state = 'shipped', as_of = now() - make_interval(days => 1) where id in (
       select id from posthoc_runs where metric = 'alb' order by window_start limit 600
     ) returning id`,
  );
  const last = shipped.at(-1)?.id ?? '';
  await posthoc.pool.query('update posthoc_runs set as_of = now() where id = $1', [last]);
  added.length = 0;
  await planDueRuns(posthoc.pool, queue, Date.parse(at('12:00')));
  expect(added).toHaveLength(1_001);
  expect(added).toContainEqual({ run: last, turn: 1 });
});

test('windows that nobody asked for while no worker was there are asked for once each, as they are now', async () => {
  await posthoc.declare(at('10:20'), { lookback: 1 });
  posthoc.write(`${DAY}/a.log.gz`, [albLine('09:10:00', 'web'), albLine('10:10:00', 'web')]);
  await posthoc.ring('2026-08-16T10:00:00Z');
  expect((await posthoc.shown()).slice(-2)).toEqual([
    ['10:00', 1, 'done', '1', '1'],
    ['09:00', 1, 'done', '1', '1'],
  ]);
  expect(
    await stored(
      `select from posthoc_runs where due_after <> 21600 and window_end <= '2026-08-16T04:00Z'`,
    ),
  ).toEqual([]);
  // Those are settled; the others wait for their last time.
  expect(await stored(`select settled_before as at from posthoc_metrics`)).toEqual([
    { at: new Date('2026-08-16T04:00Z') },
  ]);
});

test('what clients send under its type is not counted, and its events feed no other meter of the type', async () => {
  await posthoc.declare(at('10:20'));
  const producer = await new Producer(posthoc.pool, 'events').open();
  await posthoc.pool.query(
    `insert into meters (id, slug, kind, unit, event_type, aggregation, owner) values (999, 'calls', 'counter', 'call', 'api_calls', 'count', 'events')`,
  );
  await posthoc.pool.query('update meter_catalogue set version = version + 1');
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  await posthoc.events.apply([
    producer.events(
      event({ type: 'api_calls', data: { value: 100 } }),
      // Such a source is refused at the door; only the mark makes it one of ours.
      event({ type: 'api_calls', source: 'posthoc/alb', data: { value: -100 } }),
    ),
  ]);
  await posthoc.ring(at('12:00'));
  expect(await sums()).toEqual({ 'acme/web api_calls': '1', 'acme/web calls': '2' });
});

test('a window of a month that is closed becomes an adjustment, less as well as more', async () => {
  await posthoc.declare('2026-07-31T23:10:00Z', { maxFallPercent: 100 });
  const july = 'alb/2026/07/31/a.log.gz';
  const line = (seconds: number) => albLine(`2026-07-31T23:00:0${seconds}.000000Z`, 'web');
  posthoc.write(july, [line(1), line(2)]);
  await posthoc.ring('2026-08-01T01:00:00Z');
  // The applier has drafted it, as it has ended by the clock.
  await posthoc.pool.query(
    `update periods set state = 'closing', closing_at = now(), closing_act = nextval('period_acts')
     where month = '2026-07-01Z'`,
  );
  posthoc.write(july, [line(1)]);
  await posthoc.ring('2026-08-01T06:00:00Z');
  expect(await sums()).toEqual({ 'acme/web api_calls': '2' });
  expect(await stored('select sum::text, hour from usage_adjustments')).toEqual([
    { sum: '-1', hour: new Date('2026-07-31T23:00:00Z') },
  ]);
});
