import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { progressWatchdog, type Work } from './progress-watchdog.ts';

const STUCK_AFTER_MS = 60_000;
const INTERVAL_MS = 5_000;

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

async function watch() {
  const state = {
    finished: 0,
    work: async (): Promise<Work> => ({ waiting: 1 }),
    alarms: [] as Error[],
  };
  const watchdog = progressWatchdog({
    name: 'counting',
    work: () => state.work(),
    progress: () => state.finished,
    onStuck: (error) => state.alarms.push(error),
    stuckAfterMs: STUCK_AFTER_MS,
    intervalMs: INTERVAL_MS,
    clock: () => Date.now(),
  });
  await watchdog.start();
  const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);
  return { state, watchdog, pass };
}

describe('the progress watchdog', () => {
  test('raises the alarm once when work waits and nothing finishes', async () => {
    const { state, watchdog, pass } = await watch();
    await pass(STUCK_AFTER_MS);
    expect(state.alarms).toEqual([]);
    expect(() => watchdog.check()).not.toThrow();
    await pass(INTERVAL_MS);
    expect(() => watchdog.check()).toThrow('counting: 1 waiting and none finished for 60000 ms');
    await pass(STUCK_AFTER_MS * 3);
    expect(state.alarms).toHaveLength(1);
    expect(state.alarms[0]).toMatchObject({ code: 'no_progress' });
    await watchdog.stop();
  });

  test('is content while anything finishes, however slowly', async () => {
    const { state, watchdog, pass } = await watch();
    for (let minute = 0; minute < 10; minute += 1) {
      await pass(STUCK_AFTER_MS - 2 * INTERVAL_MS);
      state.finished += 1;
    }
    expect(state.alarms).toEqual([]);
    await watchdog.stop();
  });

  test.each([{ waiting: 0 }, { waiting: 5, active: 1 }])('is content with %j', async (work) => {
    const { state, watchdog, pass } = await watch();
    state.work = async () => work;
    await pass(STUCK_AFTER_MS * 3);
    expect(state.alarms).toEqual([]);
    await watchdog.stop();
  });

  test('gives the full time anew after Redis was away', async () => {
    const { state, watchdog, pass } = await watch();
    await pass(STUCK_AFTER_MS - INTERVAL_MS);
    state.work = () => Promise.reject(new Error('ECONNREFUSED'));
    await pass(STUCK_AFTER_MS * 3);
    state.work = async () => ({ waiting: 1 });
    await pass(STUCK_AFTER_MS);
    expect(state.alarms).toEqual([]);
    await pass(INTERVAL_MS);
    expect(state.alarms).toHaveLength(1);
    await watchdog.stop();
  });

  test('is live again, and armed again, when work resumes', async () => {
    const { state, watchdog, pass } = await watch();
    await pass(STUCK_AFTER_MS + INTERVAL_MS);
    state.finished += 1;
    await pass(INTERVAL_MS);
    expect(() => watchdog.check()).not.toThrow();
    await pass(STUCK_AFTER_MS + INTERVAL_MS);
    expect(state.alarms).toHaveLength(2);
    await watchdog.stop();
  });

  test('asks no second time while an answer is outstanding, and stops without it', async () => {
    const { state, watchdog, pass } = await watch();
    let asked = 0;
    state.work = () => {
      asked += 1;
      return new Promise(() => undefined);
    };
    await pass(STUCK_AFTER_MS);
    expect(asked).toBe(1);
    await watchdog.stop();
  });
});
