import { compare } from '../harness/compare.ts';
import type { PlannedEvent } from '../harness/oracle.ts';
import { planEvents } from '../harness/plan-load.ts';
import { postEvents } from '../harness/post-events.ts';
import type { Scenario } from '../harness/scenario.ts';
import { settle } from '../harness/settle.ts';
import type { System } from '../harness/system.ts';

/** Overlapping batches of several requests each, so that two transactions always meet the same keys. */
const EVENTS = 4_000;
const COPIES = 8;
const REQUEST_EVENTS = 500;

/** Several instances take the same events in another order each, and two workers apply them at once. */
export const applyOverlappingBatches: Scenario = {
  name: "workers that apply the same events in different orders never get in each other's way",
  system: { workers: 2, ingests: 2, counter: false },
  async run(system, random) {
    const before = await conflictsOf(system);
    const events = planEvents(random, EVENTS, `overlap-${random.seed}`, Date.now()).flat();
    const copies = Array.from({ length: COPIES }, () => requestsOf(random.shuffle(events)));
    const requests = random.shuffle(copies.flat());
    const violations = [
      ...(await postEvents(requests, {
        urls: system.ingestUrls,
        key: system.apiKey,
        oracle: system.oracle,
        clients: 8,
        isDue: () => true,
        deadlineMs: 60_000,
      })),
    ];
    await settle(system);
    const after = await conflictsOf(system);
    if (after.retries > before.retries)
      violations.push(
        `${after.retries - before.retries} transactions were tried again after a conflict`,
      );
    if (after.deadlocks > before.deadlocks)
      violations.push(`${after.deadlocks - before.deadlocks} deadlocks`);
    return [...violations, ...(await compare(system))];
  },
};

function requestsOf(events: readonly PlannedEvent[]): readonly (readonly PlannedEvent[])[] {
  return Array.from({ length: Math.ceil(events.length / REQUEST_EVENTS) }, (_, i) =>
    events.slice(i * REQUEST_EVENTS, (i + 1) * REQUEST_EVENTS),
  );
}

async function conflictsOf(system: System) {
  const retries = await Promise.all(
    system.workers.map(({ process }) => process.metric('odometer_apply_conflict_retries_total')),
  );
  const { rows } = await system.db.query<{ deadlocks: string }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  );
  return {
    retries: retries.reduce<number>((sum, n) => sum + (n ?? 0), 0),
    deadlocks: Number(rows[0]?.deadlocks),
  };
}
