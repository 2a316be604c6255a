import assert from 'node:assert/strict';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Component } from './component.ts';

/**
 * The shared test of every Component: starts and stops it in random interleavings, concurrently, and asserts that no call
 * rejects, that none hangs, and that it is stopped at the end. The seed is in every failure; give it to see it again.
 *
 * @param make a fresh component; called once a round. It must own what it opens.
 * @param options.rounds @default 25, which reaches all orders of three calls.
 * @param options.patienceMs how long a call may take before it hangs. @default 10_000: beyond any honest start or stop.
 * @param options.isStopped says whether nothing of it runs any more. By default: the process has no more timers and
 *   sockets than before, which needs a test in which nothing else opens any.
 */
export async function stressComponent<C extends Component>(
  make: () => Promise<C> | C,
  options: {
    readonly seed: number;
    readonly rounds?: number;
    readonly patienceMs?: number;
    readonly isStopped?: (component: C) => Promise<boolean> | boolean;
  },
): Promise<void> {
  const { seed, rounds = 25, patienceMs = 10_000 } = options;
  const random = randomFrom(seed);
  for (let round = 0; round < rounds; round += 1) {
    const openBefore = openResources();
    const isStopped = options.isStopped ?? (() => openResources() <= openBefore);
    const component = await make();
    const script: string[] = [];
    const where = () => `${component.name}, seed ${seed}, round ${round}: ${script.join(' ')}`;

    const calls: Promise<void>[] = [];
    for (let left = 1 + Math.floor(random() * 7); left > 0; left -= 1) {
      const call = random() < 0.5 ? 'start' : 'stop';
      script.push(call);
      const outcome = settled(component[call](), patienceMs, where);
      outcome.catch(() => undefined); // Told below; until then Node must not take it for unhandled.
      calls.push(outcome);
      await pause(random());
    }
    script.push('stop');
    calls.push(settled(component.stop(), patienceMs, where));
    await Promise.all(calls);
    await eventually(() => isStopped(component), patienceMs, where);
  }
}

async function settled(
  call: Promise<void>,
  patienceMs: number,
  where: () => string,
): Promise<void> {
  const timeout = new AbortController();
  const hang = sleep(patienceMs, undefined, { signal: timeout.signal }).then(
    () => assert.fail(`hangs: ${where()}`),
    () => undefined,
  );
  try {
    await Promise.race([call, hang]);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    throw new assert.AssertionError({ message: `rejects: ${where()}: ${String(error)}` });
  } finally {
    timeout.abort();
  }
}

/** Sockets and timers of the runtime go away a little after they were closed. */
async function eventually(
  holds: () => Promise<boolean> | boolean,
  patienceMs: number,
  where: () => string,
): Promise<void> {
  const giveUpAt = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) assert.fail(`still runs after its stop: ${where()}`);
    await setImmediate();
  }
}

function openResources(): number {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => kind === 'Timeout' || kind.startsWith('TCP') || kind.startsWith('Pipe'))
    .length;
}

/** None, a turn of the event loop, or a few milliseconds: each lets another race happen. */
async function pause(chance: number): Promise<void> {
  if (chance < 0.4) return;
  if (chance < 0.7) await setImmediate();
  else await sleep(Math.ceil((chance - 0.7) * 20));
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
