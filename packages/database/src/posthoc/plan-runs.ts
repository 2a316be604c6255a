import type { Queryable, Transaction } from '../pool.ts';

/** How far the planning of a metric has come. */
export interface PlanningState {
  readonly settledBefore: Date;
  /** Runs of windows that begin before it are forgotten; null: of none. */
  readonly forgottenBefore: Date | null;
}

/** Takes a metric for planning: two bells may ring at once. */
export async function lockForPlanning(
  transaction: Transaction,
  metric: string,
): Promise<PlanningState | undefined> {
  const { rows } = await transaction.query<PlanningState>(
    `select settled_before as "settledBefore", forgotten_before as "forgottenBefore"
     from posthoc_metrics where name = $1 for update`,
    [metric],
  );
  return rows[0];
}

export interface PlannedWindow {
  readonly startMs: number;
  /** Seconds after its end for which it was asked last; 0: never. */
  readonly askedAfterS: number;
}

/** The windows that begin in a range and were asked for at least once by the clock. */
export async function plannedWindows(
  transaction: Transaction,
  metric: string,
  from: Date,
  to: Date,
): Promise<readonly PlannedWindow[]> {
  const { rows } = await transaction.query<{ start: Date; after: string }>(
    `select window_start as start, max(due_after) as after from posthoc_runs
     where metric = $1 and window_start >= $2 and window_start < $3 and due_after is not null
     group by 1`,
    [metric, from, to],
  );
  return rows.map(({ start, after }) => ({ startMs: start.getTime(), askedAfterS: Number(after) }));
}

/** A window that is to be asked for. */
export interface WantedRun {
  readonly windowStart: Date;
  readonly windowEnd: Date;
  /** Null: somebody asked. */
  readonly dueAfterS: number | null;
  readonly acceptFall?: boolean;
}

/**
 * Plans the next revision of a window, in the place of those of which there is no answer yet: it asks for the same and later.
 * Demands the metric (`lockForPlanning`), or two would plan one revision. @returns the run's id.
 */
export async function planRun(
  transaction: Transaction,
  metric: string,
  { windowStart, windowEnd, dueAfterS, acceptFall = false }: WantedRun,
): Promise<string> {
  await transaction.query(
    `update posthoc_runs set state = 'superseded', retry_at = null, finished_at = clock_timestamp()
     where metric = $1 and window_start = $2 and state in ('planned', 'started', 'failed')`,
    [metric, windowStart],
  );
  const { rows } = await transaction.query<{ id: string }>(
    `insert into posthoc_runs (metric, window_start, window_end, revision, due_after, accept_fall)
     select $1, $2::timestamptz, $3, coalesce(max(revision), 0) + 1, $4, $5
     from posthoc_runs where metric = $1 and window_start = $2
     returning id`,
    [metric, windowStart, windowEnd, dueAfterS, acceptFall],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('insert into posthoc_runs returned no row');
  return row.id;
}

/** Notes that windows before this one need not be looked at any more. */
export async function settleWindows(
  transaction: Transaction,
  metric: string,
  before: Date,
): Promise<void> {
  await transaction.query(
    'update posthoc_metrics set settled_before = greatest(settled_before, $2) where name = $1',
    [metric, before],
  );
}

/** Runs that somebody should be at, the oldest windows first. */
export async function unfinishedRuns(
  db: Queryable,
  now: Date,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from posthoc_runs
     where finished_at is null and (retry_at is null or retry_at <= $1)
     order by window_start, id limit $2`,
    [now, limit],
  );
  return rows.map(({ id }) => id);
}
