import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { outcomes } from '../../test/applier-fixture.ts';
import { albLine, openPosthoc } from '../../test/posthoc-fixture.ts';
import { processRun } from './process-run.ts';

let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
beforeEach(async () => {
  posthoc = await openPosthoc();
});
afterEach(() => posthoc.close());

const DAY = 'alb/2026/08/15';
const at = (time: string) => `2026-08-15T${time}:00Z`;

test('what Redis lost after it was shipped is shipped again, rarer and rarer and without an end, and counts once', async () => {
  await posthoc.declare(at('10:20'));
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  let shipments = 0;
  // As if Redis had taken it, and then lost its disk.
  const losing = {
    enqueue: async () => {
      shipments += 1;
    },
  };
  await posthoc.ring(at('12:00'), losing);
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'shipped', '1', '1']]);
  const ringAfter = async (minutes: number, change: object = losing) => {
    await posthoc.pool.query(
      `update posthoc_runs set shipped_at = clock_timestamp() - make_interval(mins => $1)`,
      [minutes],
    );
    await posthoc.ring(at('12:10'), change);
  };
  for (const [minutes, most] of [
    [4, 1],
    [6, 2],
    [9, 2],
    [11, 3],
    [19, 3],
    [21, 4],
  ] as const) {
    await ringAfter(minutes);
    expect(shipments).toBe(most);
  }
  await posthoc.pool.query('update posthoc_runs set shipments = 400');
  await ringAfter(1_439, {});
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'shipped', '1', '1']]);
  await ringAfter(1_441, {});
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'done', '1', '1']]);
  expect(await outcomes(posthoc.pool)).toEqual({ items: 1, counted: 1 });
});

test('nothing is shipped again when the keys of what was counted may be forgotten', async () => {
  await posthoc.declare(at('10:20'));
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web'), albLine('10:00:00', 'app')]);
  let shipments = 0;
  let shipped: readonly EventEnvelope[] = [];
  const losing = {
    enqueue: async (events: readonly EventEnvelope[]) => {
      shipped = events;
      shipments += 1;
    },
  };
  await posthoc.ring(at('12:00'), losing);
  for (const [days, most] of [
    [389, 2],
    [391, 2],
  ] as const) {
    await posthoc.pool.query(
      `update posthoc_runs set shipped_at = clock_timestamp() - interval '2 days',
         as_of = clock_timestamp() - make_interval(days => $1)`,
      [days],
    );
    await posthoc.ring(at('12:10'), losing);
    expect(shipments).toBe(most);
  }
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'shipped', '2', '2']]);
  expect((await posthoc.runs())[0]?.detail).toBe(
    'not counted: 2 events, of 2 together, which are shipped no more: keys of events are forgotten',
  );
  await posthoc.ring(at('12:10'), losing);
  const told = posthoc.lines.filter((line) => line.event === 'posthoc_run_expired');
  expect(told).toEqual([expect.objectContaining({ metric: 'alb' })]);
  // Somebody had their dead letters counted all the same.
  await posthoc.parts.enqueue(shipped);
  await posthoc.ring(at('12:10'), losing);
  expect((await posthoc.runs())[0]).toMatchObject({ state: 'done', detail: null });
});

test('nobody waits for what is being counted: its job comes again, at first soon and then rarer, until the bell looks', async () => {
  await posthoc.declare(at('10:20'));
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  const shipped: EventEnvelope[] = [];
  await posthoc.ring(at('12:00'), {
    enqueue: async (events) => void shipped.push(...events),
    looks: 1,
  });
  expect(shipped).toHaveLength(1);
  const [run] = await posthoc.runs();
  const look = async (secondsAgo: number) => {
    await posthoc.pool.query(
      `update posthoc_runs set shipped_at = clock_timestamp() - make_interval(secs => $1)`,
      [secondsAgo],
    );
    return processRun(posthoc.parts, run?.id ?? '', new AbortController().signal);
  };
  expect((await look(0))?.afterMs).toBeLessThan(500);
  expect((await look(4))?.afterMs).toBeGreaterThanOrEqual(2_000);
  expect(await look(50)).toEqual({ afterMs: 10_000 });
  expect(await look(61)).toBeUndefined();
  await posthoc.parts.enqueue(shipped);
  expect(await look(1)).toBeUndefined();
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'done', '1', '1']]);
});
