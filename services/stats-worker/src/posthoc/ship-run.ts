import type { Pool } from '@odometer/database/pool';
import { finishRun, markShipped, type PosthocRun } from '@odometer/database/posthoc/posthoc-runs';
import { runDifferences, uncountedKeys } from '@odometer/database/posthoc/run-differences';
import { type EventEnvelope, eventKey } from '@odometer/domain/event-envelope';
import { posthocEvent } from '@odometer/domain/posthoc/posthoc-event';
import { pause } from '@odometer/queues/pause';
import type { PosthocCounts } from './posthoc-counts.ts';
import { usableMetric } from './usable-metric.ts';

/** As long as it takes to count what was shipped, if nothing else waits; the next bell looks again. */
const PATIENCE_MS = 20_000;
const FIRST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 2_000;
/** What is not counted so long after it was shipped may be lost, with a Redis that lost its disk: it is shipped again. */
const LOST_AFTER_MS = 300_000;
/** What is refused each time is no loss, but poison that is a dead letter by now. */
const MAX_SHIPMENTS = 5;

export interface ShipParts {
  readonly pool: Pool;
  readonly counts: PosthocCounts;
  /** Resolves when all of them are durable in the events queue. */
  readonly enqueue: (events: readonly EventEnvelope[]) => Promise<void>;
}

/**
 * Ships what a run's answer has changed, and finishes it when all of it is counted.
 *
 * The events come from the stored differences, with ids of their own: however often they are shipped, each counts once.
 */
export async function shipRun(
  parts: ShipParts,
  run: PosthocRun,
  signal: AbortSignal,
): Promise<void> {
  const { pool, counts, enqueue } = parts;
  const events = await eventsOf(pool, run);
  const uncounted = await uncountedEvents(pool, events);
  if (run.state === 'answered' || isLost(run, uncounted)) {
    if (uncounted.length > 0) await enqueue(uncounted);
    await markShipped(pool, run.id);
    counts.shippedEvents += uncounted.length;
  }
  if (!(await allCounted(pool, events, signal))) return;
  if (await finishRun(pool, run.id)) counts.add('done');
}

async function eventsOf(pool: Pool, run: PosthocRun): Promise<readonly EventEnvelope[]> {
  const { eventType } = await usableMetric(pool, run.metric);
  const nowMs = Date.now();
  return (await runDifferences(pool, run.id)).map((row) =>
    posthocEvent(
      {
        ...row,
        metric: run.metric,
        eventType,
        windowStartMs: run.windowStart.getTime(),
        revision: run.revision,
      },
      nowMs,
    ),
  );
}

async function uncountedEvents(
  pool: Pool,
  events: readonly EventEnvelope[],
): Promise<readonly EventEnvelope[]> {
  const keyOf = ({ organization, source, id }: EventEnvelope) => eventKey(organization, source, id);
  const uncounted = await uncountedKeys(pool, events.map(keyOf));
  return events.filter((event) => uncounted.has(keyOf(event)));
}

function isLost(
  { shippedAt, shipments }: PosthocRun,
  uncounted: readonly EventEnvelope[],
): boolean {
  const isLate = shippedAt !== null && Date.now() - shippedAt.getTime() > LOST_AFTER_MS;
  return uncounted.length > 0 && isLate && shipments < MAX_SHIPMENTS;
}

async function allCounted(
  pool: Pool,
  events: readonly EventEnvelope[],
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_LOOK_MS)) {
    if ((await uncountedEvents(pool, events)).length === 0) return true;
    if (performance.now() > deadline) return false;
    await pause(waitMs, signal);
    signal.throwIfAborted();
  }
}
