import { unresolvedBefore } from '@odometer/database/dead-letters';
import { type DraftedPeriod, listDrafts } from '@odometer/database/periods/due-closes';
import type { Pool } from '@odometer/database/pool';
import { monthEnd, toTimestamp } from '@odometer/domain/period';
import type { AnyQueue } from '@odometer/queues/dead-letter';
import { findOldJobs } from '@odometer/queues/old-jobs';

/** What may keep a month from being closed: whose usage, null for anybody's, and why. */
interface HoldUp {
  readonly organizations: ReadonlySet<string> | null;
  readonly reason: string;
}

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
    ...(await deadBefore(parts.pool, endMs)),
    ...(await countingBack(parts.pool)),
  ];
  const ready: string[] = [];
  const reasons = new Map<string, readonly string[]>();
  for (const draft of await listDrafts(parts.pool, monthMs, toTimestamp(nowMs), graceMs)) {
    if (!draft.isDue && !draft.isForced) continue;
    const waits = reasonsOf(draft, holdUps);
    if (waits.length === 0) ready.push(draft.organizationId);
    else reasons.set(draft.organizationId, waits);
  }
  return { ready, reasons };
}

function reasonsOf(draft: DraftedPeriod, holdUps: readonly HoldUp[]): readonly string[] {
  const order = draft.waitsFor === null ? [] : [`${draft.waitsFor} is not final yet`];
  if (draft.isForced) return order;
  const ofTheirs = holdUps.filter(
    ({ organizations }) => organizations === null || organizations.has(draft.organization),
  );
  return [...order, ...ofTheirs.map(({ reason }) => reason)];
}

async function queuedBefore(
  queues: readonly AnyQueue[],
  endMs: number,
): Promise<readonly HoldUp[]> {
  const holdUps: HoldUp[] = [];
  for (const queue of queues) {
    const { jobs, organizations } = await findOldJobs(queue, endMs);
    if (jobs === 0) continue;
    holdUps.push({
      organizations,
      reason: `${jobs} job(s) from before the month's end are still in the queue ${queue.name}`,
    });
  }
  return holdUps;
}

async function deadBefore(pool: Pool, endMs: number): Promise<readonly HoldUp[]> {
  const held = await unresolvedBefore(pool, toTimestamp(endMs));
  return held.map(({ organizations, letters }) => ({
    organizations: organizations === null ? null : new Set(organizations),
    reason: `${letters} dead letter(s) from before the month's end; retry them, or force the close`,
  }));
}

/** What is counted back belongs to the months that are open when the meter is made. */
async function countingBack(pool: Pool): Promise<readonly HoldUp[]> {
  const { rows } = await pool.query<{ slug: string }>(
    'select slug from meters where counted_back_at is null order by slug',
  );
  return rows.map(({ slug }) => ({
    organizations: null,
    reason: `events are still being counted back for the meter ${slug}`,
  }));
}
