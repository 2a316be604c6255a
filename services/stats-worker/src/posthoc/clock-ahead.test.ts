import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { JobQueue } from '@odometer/queues/job-queue';
import { hourlySums } from '../../test/applier-fixture.ts';
import { albLine, openPosthoc } from '../../test/posthoc-fixture.ts';
import { planDueRuns } from './plan-due.ts';

/** What was written while a clock was ahead, Postgres' own included, and what becomes of it once that is right. */

let posthoc: Awaited<ReturnType<typeof openPosthoc>>;
beforeEach(async () => {
  posthoc = await openPosthoc();
});
afterEach(() => posthoc.close());

const DAY = 'alb/2026/08/15';
const at = (time: string) => `2026-08-15T${time}:00Z`;
const stored = async (sql: string) => (await posthoc.pool.query(sql)).rows;

test('what was shipped by a clock that was ahead is shipped again once that is right', async () => {
  await posthoc.declare(at('10:20'));
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  await posthoc.ring(at('12:00'), { enqueue: async () => {} });
  const shippedIn = (seconds: number) =>
    posthoc.pool.query(
      `update posthoc_runs set shipped_at = clock_timestamp() + make_interval(secs => $1)`,
      [seconds],
    );
  await shippedIn(50);
  await posthoc.ring(at('12:10'));
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'shipped', '1', '1']]);
  await shippedIn(3_600);
  await posthoc.ring(at('12:10'));
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'done', '1', '1']]);
});

test('windows that were asked for while the clock was ahead are asked for when they are due', async () => {
  await posthoc.declare(at('10:20'));
  await posthoc.ring('2026-08-16T10:00:00Z');
  // As Postgres writes it whose clock is ahead, and right again then.
  await posthoc.pool.query(
    `update posthoc_runs set planned_at = clock_timestamp() + interval '22 hours'`,
  );
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  await posthoc.ring(at('12:00'));
  expect((await posthoc.shown()).filter(([window]) => window === '10:00')).toEqual([
    ['10:00', 2, 'done', '1', '1'],
    ['10:00', 1, 'done', '0', '0'],
  ]);
  expect(await hourlySums(posthoc.pool)).toEqual({ 'acme/web api_calls': '1' });
  const settled = async () => (await stored('select settled_before as at from posthoc_metrics'))[0];
  expect(await settled()).toEqual({ at: new Date(at('10:00')) });
  await posthoc.ring(at('17:00'));
  expect((await posthoc.shown()).filter(([window]) => window === '10:00')).toHaveLength(3);
  expect(await settled()).toEqual({ at: new Date(at('11:00')) });
});

test('what a clock that was ahead has asked for without an answer is asked for no more', async () => {
  await posthoc.declare(at('10:20'));
  const queue = { add: async () => 'durable' } as unknown as JobQueue<'posthoc'>;
  await planDueRuns(posthoc.pool, queue, Date.parse(at('14:00')));
  await posthoc.pool.query(
    `update posthoc_runs set planned_at = clock_timestamp() + interval '2 hours'`,
  );
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  await posthoc.ring(at('12:00'));
  expect(await posthoc.shown()).toEqual([
    ['12:00', 1, 'superseded', null, null],
    ['11:00', 1, 'superseded', null, null],
    ['10:00', 2, 'done', '1', '1'],
    ['10:00', 1, 'superseded', null, null],
  ]);
});

test('what was to be tried again by a clock that was ahead is tried', async () => {
  await posthoc.declare(at('10:20'));
  const broken = join(posthoc.directory, DAY, 'broken.log.gz');
  posthoc.write(`${DAY}/a.log.gz`, [albLine('10:00:00', 'web')]);
  writeFileSync(broken, 'no gzip');
  await posthoc.ring(at('12:00'));
  rmSync(broken);
  await posthoc.pool.query(`update posthoc_runs set retry_at = retry_at + interval '30 days'`);
  await posthoc.ring(at('12:10'));
  expect(await posthoc.shown()).toEqual([['10:00', 1, 'done', '1', '1']]);
});
