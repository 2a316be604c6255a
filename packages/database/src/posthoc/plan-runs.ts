import type { Queryable, Transaction } from '../pool.ts';
import { LONGEST_RETRY } from './posthoc-runs.ts';

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

/** Clocks are put right by less every day; whoever asks twice for so short a time costs nothing but a query. */
const CLOCK_STEP = "interval '1 minute'";
/** Asked for by the clock, at a time that is yet to come. */
const PREMATURE = `due_after is not null and planned_at > clock_timestamp() + ${CLOCK_STEP}`;

/**
 * Forgets that windows were asked for by a clock that was ahead, that of Postgres included, once it is right again: what it took
 * for the last time of a window was before its logs were there, or before the window itself. They are due again when they are;
 * what was answered then is what the next answer is compared with, and what was not is asked for no more. Demands the metric.
 *
 * @returns before which windows are settled then; undefined: nothing is forgotten.
 */
export async function forgetPremature(
  transaction: Transaction,
  metric: string,
): Promise<Date | undefined> {
  await transaction.query(
    `update posthoc_runs set state = 'superseded', retry_at = null, finished_at = clock_timestamp()
     where metric = $1 and state in ('planned', 'started', 'failed') and ${PREMATURE}`,
    [metric],
  );
  const { rows } = await transaction.query<{ settledBefore: Date }>(
    `with premature as (
       update posthoc_runs set due_after = null where metric = $1 and ${PREMATURE}
       returning window_start
     )
     update posthoc_metrics set settled_before = least(settled_before, p.start)
     from (select min(window_start) as start from premature) p where name = $1 and p.start is not null
     returning settled_before as "settledBefore"`,
    [metric],
  );
  return rows[0]?.settledBefore;
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
 * That somebody accepts a fall goes over to it, or the bell that comes before the answer would have it held all the same.
 * Demands the metric (`lockForPlanning`), or two would plan one revision. @returns the run's id.
 */
export async function planRun(
  transaction: Transaction,
  metric: string,
  { windowStart, windowEnd, dueAfterS, acceptFall = false }: WantedRun,
): Promise<string> {
  const superseded = await transaction.query<{ acceptFall: boolean }>(
    `update posthoc_runs set state = 'superseded', retry_at = null, finished_at = clock_timestamp()
     where metric = $1 and window_start = $2 and state in ('planned', 'started', 'failed')
     returning accept_fall as "acceptFall"`,
    [metric, windowStart],
  );
  const isFallAccepted = acceptFall || superseded.rows.some((run) => run.acceptFall);
  const { rows } = await transaction.query<{ id: string }>(
    `insert into posthoc_runs (metric, window_start, window_end, revision, due_after, accept_fall)
     select $1, $2::timestamptz, $3, coalesce(max(revision), 0) + 1, $4, $5
     from posthoc_runs where metric = $1 and window_start = $2
     returning id`,
    [metric, windowStart, windowEnd, dueAfterS, isFallAccepted],
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

/** A run that somebody should be at. */
export interface UnfinishedRun {
  readonly id: string;
  /** 1, 2, 3 … among those of its metric, the oldest window first; of what is only waited for, the newest answer. */
  readonly place: number;
}

/**
 * Runs that somebody should be at, the first of each metric first, so that none waits for all of another one. A time to try again
 * that is later than any is of a clock that was ahead. Of a metric that is paused no query begins that nobody asked for.
 *
 * @param limit of a metric; those that are only waited for have one of their own, as they may be so for days, and among them what
 *   was answered last comes first: others may never be counted.
 */
export async function unfinishedRuns(
  db: Queryable,
  now: Date,
  limit: number,
): Promise<readonly UnfinishedRun[]> {
  const { rows } = await db.query<UnfinishedRun>(
    `select id, place from (
       select id, window_start, row_number() over (
         partition by metric, state = 'shipped'
         order by case when state = 'shipped' then as_of end desc nulls last, window_start, id
       )::int as place
       from posthoc_runs r join posthoc_metrics m on m.name = r.metric
       where finished_at is null
         and not (m.declaration @> '{"paused": true}' and r.state in ('planned', 'failed') and r.due_after is not null)
         and (retry_at is null or retry_at <= $1 or retry_at > clock_timestamp() + ${LONGEST_RETRY} + ${CLOCK_STEP})
     ) r
     where place <= $2 order by place, window_start, id`,
    [now, limit],
  );
  return rows;
}
