import type { HoldUp } from '@odometer/domain/hold-up';
import { toTimestamp } from '@odometer/domain/period';
import { unresolvedBefore } from '../dead-letters.ts';
import type { Queryable } from '../pool.ts';

/** What Postgres knows that keeps a month from being closed. Look into the queues first: what fails in between is here. */
export async function storedHoldUps(db: Queryable, endMs: number): Promise<readonly HoldUp[]> {
  return [...(await deadBefore(db, endMs)), ...(await countingBack(db))];
}

async function deadBefore(db: Queryable, endMs: number): Promise<readonly HoldUp[]> {
  const held = await unresolvedBefore(db, toTimestamp(endMs));
  return held.map(({ organizations, letters }) => ({
    organizations: organizations === null ? null : new Set(organizations),
    reason: `${letters} dead letter(s) from before the month's end; retry them, or force the close`,
  }));
}

/** What is counted back belongs to the months that are open when the meter is made. */
async function countingBack(db: Queryable): Promise<readonly HoldUp[]> {
  const { rows } = await db.query<{ slug: string }>(
    'select slug from meters where counted_back_at is null order by slug',
  );
  return rows.map(({ slug }) => ({
    organizations: null,
    reason: `events are still being counted back for the meter ${slug}`,
  }));
}

/** What an organization's month waits for. A forced one waits for its order only: months are closed one after another. */
export function reasonsToWait(
  period: {
    readonly organization: string;
    readonly isForced: boolean;
    /** The earliest month that is not final, when it is an earlier one, `YYYY-MM`. */
    readonly waitsFor: string | null;
  },
  holdUps: readonly HoldUp[],
): readonly string[] {
  const order = period.waitsFor === null ? [] : [`${period.waitsFor} is not final yet`];
  if (period.isForced) return order;
  const ofTheirs = holdUps.filter(
    ({ organizations }) => organizations === null || organizations.has(period.organization),
  );
  return [...order, ...ofTheirs.map(({ reason }) => reason)];
}
