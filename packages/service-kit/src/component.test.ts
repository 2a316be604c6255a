import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { component } from './component.ts';

function recording() {
  const calls: string[] = [];
  let opened: () => void = () => undefined;
  const recorded = component({
    name: 'recorded',
    async start() {
      calls.push('starting');
      await new Promise<void>((resolve) => {
        opened = resolve;
      });
      calls.push('started');
      return 'resource';
    },
    stop(resource) {
      calls.push(`stopped ${resource}`);
    },
  });
  return { recorded, calls, open: () => opened() };
}

describe('component', () => {
  test('starts once for any number of concurrent starts, and all await it', async () => {
    const { recorded, calls, open } = recording();
    const starts = [recorded.start(), recorded.start()];
    await setImmediate();
    expect(calls).toEqual(['starting']);
    open();
    await Promise.all(starts);
    await recorded.start();
    expect(calls).toEqual(['starting', 'started']);
    await recorded.stop();
  });

  test('stops what its start returned, once', async () => {
    const { recorded, calls, open } = recording();
    const start = recorded.start();
    open();
    await start;
    await Promise.all([recorded.stop(), recorded.stop()]);
    await recorded.stop();
    expect(calls).toEqual(['starting', 'started', 'stopped resource']);
  });

  test('is never started after a stop, also when the stop came first', async () => {
    const { recorded, calls } = recording();
    await recorded.stop();
    await recorded.start();
    expect(calls).toEqual([]);
  });

  test('a stop during the start waits for it, then stops', async () => {
    const { recorded, calls, open } = recording();
    const start = recorded.start();
    const stop = recorded.stop();
    await setImmediate();
    expect(calls).toEqual(['starting']);
    open();
    await Promise.all([start, stop]);
    expect(calls).toEqual(['starting', 'started', 'stopped resource']);
  });

  test('a start that a stop interrupts does not reject', async () => {
    const waiting = component({
      name: 'waiting',
      start: (signal) =>
        new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('interrupted')));
        }),
      stop: () => undefined,
    });
    const start = waiting.start();
    await waiting.stop();
    await expect(start).resolves.toBeUndefined();
  });

  test('a failed start rejects for every caller and leaves nothing to stop', async () => {
    const stops: unknown[] = [];
    const broken = component({
      name: 'broken',
      start: () => {
        throw new Error('refused');
      },
      stop: (resource) => {
        stops.push(resource);
      },
    });
    await expect(broken.start()).rejects.toThrow('refused');
    await expect(broken.start()).rejects.toThrow('refused');
    await broken.stop();
    expect(stops).toEqual([]);
  });

  test('a failed stop rejects for every caller', async () => {
    const jammed = component({
      name: 'jammed',
      start: () => undefined,
      stop: () => {
        throw new Error('jammed');
      },
    });
    await jammed.start();
    await expect(jammed.stop()).rejects.toThrow('jammed');
    await expect(jammed.stop()).rejects.toThrow('jammed');
  });
});
