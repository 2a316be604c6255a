import type { SeededRandom } from '@odometer/testing/seeded-random';
import { planEvents, planMessages } from './plan-load.ts';
import { postEvents } from './post-events.ts';
import { settle } from './settle.ts';
import type { System } from './system.ts';
import { watchTotals } from './watch-totals.ts';

/** What the issue asks of every crash test. */
const MESSAGES = 20_000;
const EVENTS = 10_000;
/** How long the load takes when nothing is in its way. */
const DURATION_MS = 6_000;
const MAX_IN_FLIGHT = 400;
const CLIENTS = 5;
/** Longer than any outage that a test makes. */
const DEADLINE_MS = 120_000;

/** Something bad, done at a moment of the load. Waited for before the next one. */
export type Fault = () => Promise<void>;

export interface Load {
  /** @default 20,000 */
  readonly messages?: number;
  /** @default 10,000 */
  readonly events?: number;
  readonly durationMs?: number;
  /** The broker is killed, and may repeat what it had acknowledged: then totals may run ahead of what was published. */
  readonly brokerRepeats?: boolean;
}

/**
 * Publishes and posts while faults strike at moments that the seed chooses (as fractions of what is published or posted,
 * so that a slow machine has the same schedule), then waits until nothing moves.
 * @returns what was wrong on the way. `compare` judges the end.
 */
export async function underLoad(
  system: System,
  random: SeededRandom,
  faults: readonly Fault[],
  load: Load = {},
): Promise<string[]> {
  const messages =
    system.counter === undefined ? [] : planMessages(random, load.messages ?? MESSAGES);
  const requests = planEvents(random, load.events ?? EVENTS, `${random.seed}`, Date.now());
  const moments = faults.map(() => 0.05 + random.next() * 0.9).sort((a, b) => a - b);
  const durationMs = load.durationMs ?? DURATION_MS;
  const startedAt = Date.now();
  const isDue = (fraction: number) => (Date.now() - startedAt) / durationMs >= fraction;
  const deadline = startedAt + DEADLINE_MS;
  const stopWatching = watchTotals(system, load.brokerRepeats === true);
  const violations: string[] = [];

  let published = 0;
  const publish = async () => {
    while (published < messages.length) {
      const due = Math.min(
        messages.length,
        Math.ceil(((Date.now() - startedAt) / durationMs) * messages.length),
      );
      while (published < due) {
        const message = messages[published];
        if (message === undefined || !system.publisher.publish(message, MAX_IN_FLIGHT)) break;
        published += 1;
      }
      if (Date.now() > deadline) {
        violations.push(`only ${published} messages could be published within ${DEADLINE_MS} ms`);
        return;
      }
      await pause(5);
    }
    while (system.publisher.inFlight > 0 && Date.now() < deadline) await pause(5);
  };
  const post = async () => {
    const options = {
      urls: system.ingestUrls,
      key: system.apiKey,
      oracle: system.oracle,
      clients: CLIENTS,
      isDue,
      deadlineMs: DEADLINE_MS,
    };
    violations.push(...(await postEvents(requests, options)));
  };
  const strike = async () => {
    for (const [i, fault] of faults.entries()) {
      const moment = moments[i] ?? 0;
      // By messages when there are any; while nothing can be published, time must not stand still.
      const isReached = () =>
        (messages.length === 0 || published / messages.length >= moment) && isDue(moment);
      while (!isReached() && Date.now() < deadline) await pause(1);
      await fault();
    }
  };
  await Promise.all([publish(), post(), strike()]);
  await settle(system);
  violations.push(...(await stopWatching()));
  return violations;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
