import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ask } from '../../test/ask-posthoc.ts';
import { albLine, openPosthoc, REQUESTS } from '../../test/posthoc-fixture.ts';
import { PosthocReading } from './posthoc-reading.ts';
import { processRun } from './process-run.ts';

/** What somebody who watches post-hoc metrics sees of them. */

let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
let reading: PosthocReading;
beforeEach(async () => {
  posthoc = await openPosthoc();
  reading = new PosthocReading(posthoc.pool);
});
afterEach(() => posthoc.close());

const at = (time: string) => `2026-08-15T${time}:00Z`;
const lines = (count: number) =>
  Array.from({ length: count }, (_, n) => albLine(`10:00:0${n}`, 'web'));
const write = (count: number) => posthoc.write('alb/2026/08/15/a.log', lines(count));
const read = async (time: string) => {
  await reading.refresh(Date.parse(at(time)));
  return { behind: reading.behind(), held: reading.held(), waiting: reading.unfinishedSince() };
};
const alb = (value: number) => [[{ metric: 'alb' }, value]];

test('nothing is shown of nothing', async () => {
  expect(await read('10:00')).toEqual({ behind: [], held: [], waiting: [] });
});

test('a metric is behind by the windows that should have an answer, from the first one on', async () => {
  await posthoc.declare(at('10:20'));
  for (const [time, hours] of [
    ['11:59', 0],
    ['12:00', 1],
    ['12:59', 1],
    ['13:00', 2],
  ] as const) {
    expect((await read(time)).behind).toEqual(alb(hours * 3_600));
  }
  await posthoc.ring(at('13:05'));
  expect((await read('13:59')).behind).toEqual(alb(0));
  expect((await read('14:00')).behind).toEqual(alb(3_600));
});

describe('how long there was no usage', () => {
  const empty = async (time: string) => {
    await read(time);
    return reading.empty();
  };
  beforeEach(() => posthoc.declare(at('10:20')));

  test('is counted from the last window that had some, up to the newest answer', async () => {
    expect(await empty('11:59')).toEqual(alb(0));
    posthoc.write('alb/2026/08/15/a.log', [albLine('10:00:00', 'web')]);
    await posthoc.ring(at('12:05'));
    expect(await empty('12:06')).toEqual(alb(0));
    await posthoc.ring(at('15:05'));
    expect(await empty('15:06')).toEqual(alb(3 * 3_600));
    posthoc.write('alb/2026/08/15/b.log', [albLine('14:30:00', 'web')]);
    await posthoc.ring(at('16:05'));
    expect(await empty('16:06')).toEqual(alb(0));
  });

  test('is counted from the first window on when no log was ever found', async () => {
    await posthoc.ring(at('15:05'));
    expect(await empty('15:06')).toEqual(alb(4 * 3_600));
    expect((await posthoc.runs())[0]).toMatchObject({ rows: '0', logFiles: 0 });
  });

  test('is nothing where there are logs of which none was ever counted', async () => {
    posthoc.write('alb/2026/08/15/a.log', [albLine('09:00:00', 'web')]);
    await posthoc.ring(at('15:05'));
    expect(await empty('15:06')).toEqual(alb(0));
    expect((await posthoc.runs())[0]).toMatchObject({ rows: '0', logFiles: 1 });
  });
});

test('what was answered while a clock was ahead is no answer of what is due', async () => {
  await posthoc.declare(at('10:20'));
  await posthoc.ring(at('15:05'));
  expect((await read('15:06')).behind).toEqual(alb(0));
  await posthoc.pool.query(`update posthoc_runs set as_of = as_of + interval '1 day'`);
  expect((await read('15:06')).behind).toEqual(alb(4 * 3_600));
});

test('what nobody here can read is late from its first window on: no version that is there asks for it', async () => {
  await posthoc.declare(at('10:20'));
  await posthoc.pool.query(
    `update posthoc_metrics set declaration = declaration || '{"window": "week"}'`,
  );
  await posthoc.ring(at('15:05'));
  expect(await posthoc.runs()).toEqual([]);
  expect((await read('15:30')).behind).toEqual(alb(5.5 * 3_600));
});

test('of a paused metric only what somebody asks for is worked out; what it missed is asked for once each when it goes on', async () => {
  await posthoc.declare(at('10:20'), { sql: 'select no_such_function(:start, :end) from logs' });
  write(1);
  await posthoc.ring(at('12:00'));
  const pause = (paused: boolean) =>
    posthoc.pool.query(
      `update posthoc_metrics set declaration = declaration || jsonb_build_object('paused', $1::boolean, 'sql', $2::text)`,
      [paused, REQUESTS],
    );
  await pause(true);
  await posthoc.pool.query(`update posthoc_runs set retry_at = now() - interval '1 second'`);
  await posthoc.ring(at('18:00'));
  expect((await posthoc.runs()).map(({ state }) => state)).toEqual(['failed']);
  // Nor when its job has waited since before.
  const [failed] = await posthoc.runs();
  await processRun(posthoc.parts, failed?.id ?? '', new AbortController().signal);
  expect(await posthoc.runs()).toEqual([failed]);
  expect(await read('18:00')).toEqual({ behind: [], held: alb(0), waiting: [] });
  expect(reading.empty()).toEqual([]);
  await ask(posthoc.pool, 'alb', at('11:00'));
  await posthoc.ring(at('18:00'));
  expect((await posthoc.runs()).map(({ state }) => state)).toEqual(['done', 'failed']);
  await pause(false);
  await posthoc.ring(at('18:00'));
  expect((await posthoc.runs()).map(({ state }) => state)).toEqual([
    ...Array(8).fill('done'),
    'superseded',
  ]);
  expect((await read('18:00')).behind).toEqual(alb(0));
});

test('a held window is one until it is believed, however often it is held', async () => {
  await posthoc.declare(at('10:20'));
  write(8);
  await posthoc.ring(at('12:00'));
  expect((await read('12:00')).held).toEqual(alb(0));
  write(1);
  await posthoc.ring(at('17:00'));
  expect((await read('17:00')).held).toEqual(alb(1));
  await posthoc.pool.query(
    `insert into posthoc_runs (metric, window_start, window_end, revision, state, finished_at)
     select metric, window_start, window_end, 3, 'held', now() from posthoc_runs where state = 'held'`,
  );
  expect((await read('17:00')).held).toEqual(alb(1));
  await posthoc.pool.query(`update posthoc_runs set state = 'done' where revision = 3`);
  expect((await read('17:00')).held).toEqual(alb(0));
});

test('a run that fails waits since it was planned', async () => {
  await posthoc.declare(at('10:20'), { sql: 'select no_such_function(:start, :end) from logs' });
  await posthoc.ring(at('12:00'));
  const { rows } = await posthoc.pool.query<{ at: Date }>(
    'select planned_at as at from posthoc_runs',
  );
  expect((await read('12:00')).waiting).toEqual(alb((rows[0]?.at.getTime() ?? 0) / 1_000));
  expect([...posthoc.parts.counts.runs()]).toContainEqual([{ outcome: 'failed' }, 1]);
});

test('answers after the first are told apart by whether something has changed, rows by whether there is more or less', async () => {
  const { counts } = posthoc.parts;
  const shown = () => [...counts.revisions(), ...counts.differences()].map(([, count]) => count);
  await posthoc.declare(at('10:20'), { maxFallPercent: 90 });
  write(3);
  await posthoc.ring(at('12:00'));
  expect(shown()).toEqual([0, 0, 0, 0]);
  await posthoc.ring(at('17:00'));
  expect(shown()).toEqual([1, 0, 0, 0]);
  posthoc.write('alb/2026/08/15/a.log', [...lines(1), albLine('11:00:00', 'app')]);
  await posthoc.ring(at('18:00'));
  // The window of 11:00 has its second answer.
  expect(shown()).toEqual([1, 1, 1, 0]);
  expect([...counts.scannedBytes()]).toEqual([
    [{ engine: 'duckdb' }, expect.any(Number)],
    [{ engine: 'athena' }, 0],
  ]);
});
