import type { Queryable } from '../pool.ts';

/** How far the clock's work has got. */
export interface PeriodsProgress {
  /** Organizations' months that have ended and are not final, by what they are: draft, held_up, closing. */
  readonly unfinished: Readonly<Record<'draft' | 'held_up' | 'closing', number>>;
  /** When the grace of the longest waiting of them was over, or will be; undefined when none waits. */
  readonly oldestDueAt: Date | undefined;
  /** Days that have ended without their snapshot. */
  readonly missingSnapshots: number;
  /** Days of projects that are read from their hours until they are refreshed. */
  readonly changedDays: number;
  /** Ids given to adjustments; as many as there are, or a few more where a transaction was undone. */
  readonly adjustments: number;
}

/** Reads it from Postgres. */
export async function readPeriodsProgress(db: Queryable): Promise<PeriodsProgress> {
  const { rows } = await db.query<Record<string, string> & { readonly oldest_due_at: Date | null }>(
    `select
       count(*) filter (where state = 'draft' and held_up_by = '{}') as draft,
       count(*) filter (where held_up_by <> '{}') as held_up,
       count(*) filter (where state = 'closing' and held_up_by = '{}') as closing,
       min(due_at) as oldest_due_at,
       (select count(*) from missing_snapshots) as missing_snapshots,
       (select count(*) from changed_days) as changed_days,
       (select coalesce(max(id), 0) from usage_adjustments) as adjustments
     from periods where state <> 'final'`,
  );
  const figure = (name: string) => Number(rows[0]?.[name] ?? 0);
  return {
    unfinished: {
      draft: figure('draft'),
      held_up: figure('held_up'),
      closing: figure('closing'),
    },
    oldestDueAt: rows[0]?.oldest_due_at ?? undefined,
    missingSnapshots: figure('missing_snapshots'),
    changedDays: figure('changed_days'),
    adjustments: figure('adjustments'),
  };
}
