import { listDrafts } from '@odometer/database/periods/due-closes';
import { reasonsToWait, storedHoldUps } from '@odometer/database/periods/hold-ups';
import type { Pool } from '@odometer/database/pool';
import { monthEnd, toTimestamp } from '@odometer/domain/period';
import type { AnyQueue } from '@odometer/queues/dead-letter';
import { queuedBefore } from '@odometer/queues/queued-before';

/** The drafts of a month, sorted into those to be closed now and those that have to wait. */
export interface Drafts {
  /** Ids of organizations. */
  readonly ready: readonly string[];
  /** By organization's id; nothing is said of those whose grace is not over. */
  readonly reasons: ReadonlyMap<string, readonly string[]>;
}

/**
 * Finds out which drafts of a month can be closed. Usage that was accepted before the month's end must be applied first:
 * while it lies in a queue, or as a dead letter, its organization waits, and nobody else. Months are closed in order. A
 * forced draft waits for its order only.
 */
export async function sortDrafts(
  parts: { readonly pool: Pool; readonly usageQueues: readonly AnyQueue[] },
  monthMs: number,
  nowMs: number,
  graceMs: number,
): Promise<Drafts> {
  const endMs = monthEnd(monthMs);
  // The queues first and Postgres after: a job that fails for good in between is then seen in one of them.
  const holdUps = [
    ...(await queuedBefore(parts.usageQueues, endMs)),
    ...(await storedHoldUps(parts.pool, endMs)),
  ];
  const ready: string[] = [];
  const reasons = new Map<string, readonly string[]>();
  for (const draft of await listDrafts(parts.pool, monthMs, toTimestamp(nowMs), graceMs)) {
    if (!draft.isDue && !draft.isForced) continue;
    const waits = reasonsToWait(draft, holdUps);
    if (waits.length === 0) ready.push(draft.organizationId);
    else reasons.set(draft.organizationId, waits);
  }
  return { ready, reasons };
}
