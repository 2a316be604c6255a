import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { JobQueue } from '@odometer/queues/job-queue';
import { openPull } from '../../test/pull-fixture.ts';
import { isDue, planDuePulls } from './plan-due-pulls.ts';

let pull: Awaited<ReturnType<typeof openPull>>;
beforeEach(async () => {
  pull = await openPull();
});
afterEach(() => pull.close());

test('a log is due once in each of its intervals, however unpunctual the bell is', async () => {
  await pull.declare({ interval: '1h' });
  const state = { ...(await pull.state()), caughtUp: true };
  const at = (text: string) => Date.parse(`2026-11-05T${text}Z`);
  expect(isDue(state, at('10:00:00'))).toBe(true);
  const read = { ...state, startedAt: new Date(at('10:00:07')) };
  expect(isDue(read, at('10:50:00'))).toBe(false);
  expect(isDue(read, at('11:00:01'))).toBe(true);
  expect(isDue({ ...read, failures: 1 }, at('10:10:00'))).toBe(true);
  // Written while a clock was ahead: no log is left alone for longer than an hour.
  const ahead = new Date(at('10:00:07') + 30 * 86_400_000);
  expect(isDue({ ...read, startedAt: ahead }, at('11:00:01'))).toBe(true);
  expect(isDue({ ...read, retryAt: ahead }, at('11:00:01'))).toBe(true);
  expect(isDue({ ...read, retryAt: new Date(at('11:50:00')) }, at('11:00:01'))).toBe(false);
  await pull.declare({ interval: '1h', paused: true });
  expect(isDue(await pull.state(), at('11:00:01'))).toBe(false);
});

test('each waits for its turn with the first windows of metrics, so that two with much to read hold up none', async () => {
  await pull.declare();
  const added: unknown[][] = [];
  const queue = {
    add: async (...job: unknown[]) => void added.push(job),
  } as unknown as JobQueue<'posthoc'>;
  await planDuePulls(pull.pool, queue, Date.now());
  expect(added).toEqual([['pull', { log: 'auth0-logs' }, 'pull.auth0-logs', 1]]);
});
