import type { Pool } from '@odometer/database/pool';
import {
  finishRun,
  markShipped,
  noteExpired,
  type PosthocRun,
} from '@odometer/database/posthoc/posthoc-runs';
import { runDifferences, uncountedKeys } from '@odometer/database/posthoc/run-differences';
import { formatQuantity, parseQuantity } from '@odometer/domain/decimal';
import { EVENT_KEY_DAYS, type EventEnvelope, eventKey } from '@odometer/domain/event-envelope';
import { posthocEvent } from '@odometer/domain/posthoc/posthoc-event';
import type { Logger } from '@odometer/service-kit/logging';
import type { Again } from './ask-engine.ts';
import type { PosthocCounts } from './posthoc-counts.ts';
import { usableMetric } from './usable-metric.ts';

/** What is counted takes moments, if nothing else waits; later the next bell looks. */
const PATIENCE_MS = 60_000;
const FIRST_LOOK_MS = 100;
const LONGEST_LOOK_MS = 10_000;
/**
 * What is not counted so long after it was shipped may be lost, with a Redis that lost its disk: it is shipped again, and then
 * rarer, without an end. What is refused each time is a dead letter, until what refuses it is mended.
 */
const LOST_AFTER_MS = 300_000;
const LONGEST_LOST_AFTER_MS = 86_400_000;
/** Clocks are put right by less every day. */
const CLOCK_STEP_MS = 60_000;
/**
 * Once its key is forgotten, an event that was counted looks like one that was not, and would be counted again: so ten days before,
 * nothing of an answer is shipped any more. Its run stays unfinished, and says so, until it is forgotten.
 */
const SHIPPABLE_MS = (EVENT_KEY_DAYS - 10) * 86_400_000;

export interface ShipParts {
  readonly pool: Pool;
  readonly counts: PosthocCounts;
  /** Resolves when all of them are durable in the events queue. */
  readonly enqueue: (events: readonly EventEnvelope[]) => Promise<void>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * Ships what a run's answer has changed, and finishes it when all of it is counted.
 *
 * The events come from the stored differences, with ids of their own: however often they are shipped, each counts once. Nobody
 * sits and waits for that: the worker's one place is for queries.
 *
 * @returns when to come again; undefined: all is counted, or the next bell looks.
 */
export async function shipRun(
  { pool, counts, enqueue, log }: ShipParts,
  run: PosthocRun,
): Promise<Again | undefined> {
  const events = await eventsOf(pool, run);
  const uncounted = await uncountedEvents(pool, events);
  if (uncounted.length > 0 && (run.asOfMs ?? 0) > SHIPPABLE_MS) {
    const detail = `${uncounted.length} events, of ${totalOf(uncounted)} together, which are shipped no more: keys of events are forgotten`;
    if (await noteExpired(pool, run.id, detail)) {
      const window = run.windowStart.toISOString();
      log.error({ event: 'posthoc_run_expired', metric: run.metric, window, detail });
    }
    return undefined;
  }
  const isShippedNow = run.state === 'answered' || (uncounted.length > 0 && isLost(run));
  if (isShippedNow) {
    if (uncounted.length > 0) await enqueue(uncounted);
    await markShipped(pool, run.id);
    counts.shippedEvents += uncounted.length;
  }
  if (uncounted.length > 0) {
    const left = isShippedNow ? await uncountedEvents(pool, uncounted) : uncounted;
    if (left.length > 0) return lookAgain(isShippedNow ? 0 : (run.shippedMs ?? 0));
  }
  if (await finishRun(pool, run.id)) counts.add('done');
  return undefined;
}

/** The longer it takes, the rarer. */
function lookAgain(shippedMs: number): Again | undefined {
  if (shippedMs > PATIENCE_MS) return undefined;
  return { afterMs: Math.min(Math.max(FIRST_LOOK_MS, shippedMs / 2), LONGEST_LOOK_MS) };
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

function totalOf(events: readonly EventEnvelope[]): string {
  const sum = events.reduce((all, { data }) => {
    const value = parseQuantity(String((data as { readonly value: unknown }).value));
    return typeof value === 'bigint' ? all + value : all;
  }, 0n);
  return formatQuantity(sum);
}

/** What was shipped by a clock that was ahead, was so for longer than anybody can tell. */
function isLost({ shippedMs, shipments }: PosthocRun): boolean {
  const afterMs = Math.min(LOST_AFTER_MS * 2 ** (shipments - 1), LONGEST_LOST_AFTER_MS);
  return shippedMs !== null && (shippedMs > afterMs || shippedMs < -CLOCK_STEP_MS);
}
