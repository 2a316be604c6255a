import { OdometerError } from '@odometer/domain/errors';
import type { Purpose, TargetKind } from '@odometer/domain/measured-target';
import type { Queryable, Transaction } from '../pool.ts';

/**
 * A measurement is one reading of a declared target, perhaps over several jobs.
 *
 *   running ──▶ complete | refused | failed
 *      ▲ taken up again by another process once its holder has let go of it, or has not been heard of for a minute
 *
 * One that failed is no zero and no last value: there is none, and the target is overdue until one is complete. The next
 * one goes on where it stopped, if it failed a short while ago.
 */

/** Whoever holds a measurement says so again with every step it keeps; a step takes seconds. */
const HOLD = '1 minute';
/** A listing older than this has seen a bucket that is not there any more. */
const RESUMABLE = '6 hours';

export interface Measurement {
  readonly id: string;
  readonly kind: TargetKind;
  readonly target: string;
  readonly purpose: Purpose;
  readonly options: Readonly<Record<string, unknown>>;
  /** As kept last; {} at the start. */
  readonly progress: Readonly<Record<string, unknown>>;
  readonly startedAt: Date;
}

export interface MeasurementRequest {
  readonly kind: TargetKind;
  readonly target: string;
  readonly purpose: Purpose;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Says who holds it; a fence, too: whoever lost it can keep no step any more. */
export interface Hold {
  readonly id: string;
  /** A UUID of the process' own for this measurement. */
  readonly holder: string;
}

const FIELDS = 'id, kind, target, purpose, options, progress, started_at as "startedAt"';

/**
 * Begins a measurement, or takes up the one that is under way, or that failed a short while ago and was asked for as this one
 * is: what an operator has accepted was accepted of that measurement alone, and nobody else's is a dry run because that was.
 *
 * One that is under way goes on as it was asked for, whoever takes it up. That meets no request of another purpose or other
 * options: whoever waits for one (findAskedMeasurement) does not find it, and asks again once the other has ended.
 *
 * @returns undefined when another process is at it.
 */
export async function beginMeasurement(
  db: Queryable,
  { kind, target, purpose, options }: MeasurementRequest,
  holder: string,
): Promise<Measurement | undefined> {
  const taken = await db.query<Measurement>(
    `update measurements
     set holder = $3, held_until = clock_timestamp() + interval '${HOLD}', state = 'running', finished_at = null,
       failure = null, detail = null
     where id = (
       select id from measurements
       where kind = $1 and target = $2
       order by id desc limit 1
       for update skip locked
     ) and (
       (state = 'running' and held_until <= clock_timestamp())
       or (state = 'failed' and purpose = $4 and options = $5 and progress <> '{}' and started_at > clock_timestamp() - interval '${RESUMABLE}')
     )
     returning ${FIELDS}`,
    [kind, target, holder, purpose, JSON.stringify(options)],
  );
  if (taken.rows[0] !== undefined) return taken.rows[0];
  const begun = await db.query<Measurement>(
    `insert into measurements (kind, target, purpose, options, holder, held_until, started_at)
     values ($1, $2, $4, $5, $3, clock_timestamp() + interval '${HOLD}', clock_timestamp())
     on conflict (kind, target) where state = 'running' do nothing
     returning ${FIELDS}`,
    [kind, target, holder, purpose, JSON.stringify(options)],
  );
  return begun.rows[0];
}

/**
 * Keeps a step, in the transaction that did it: the first statement of it, so that whoever lost the measurement does nothing.
 *
 * @throws OdometerError `measurement_taken_over`: somebody else goes on with it.
 */
export async function keepProgress(
  transaction: Transaction,
  { id, holder }: Hold,
  progress: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { rowCount } = await transaction.query(
    `update measurements set progress = $3, held_until = clock_timestamp() + interval '${HOLD}'
     where id = $1 and holder = $2 and state = 'running'`,
    [id, holder, JSON.stringify(progress)],
  );
  if (rowCount === 0) throw new OdometerError('measurement_taken_over', { measurement: id });
}

/**
 * Says that its holder is still at it, between two steps; for steps that may take longer than a hold lasts.
 *
 * @throws OdometerError `measurement_taken_over`
 */
export async function extendHold(db: Queryable, { id, holder }: Hold): Promise<void> {
  const { rowCount } = await db.query(
    `update measurements set held_until = clock_timestamp() + interval '${HOLD}'
     where id = $1 and holder = $2 and state = 'running'`,
    [id, holder],
  );
  if (rowCount === 0) throw new OdometerError('measurement_taken_over', { measurement: id });
}

/** Lets go of it before it is finished: another job goes on. */
export async function releaseMeasurement(db: Queryable, { id, holder }: Hold): Promise<void> {
  await db.query(
    `update measurements set held_until = clock_timestamp() where id = $1 and holder = $2 and state = 'running'`,
    [id, holder],
  );
}

export type MeasurementEnd =
  | { readonly state: 'complete'; readonly figures: Readonly<Record<string, unknown>> }
  | {
      readonly state: 'refused' | 'failed';
      /** Code of the error. */
      readonly failure: string;
      readonly detail: string;
      readonly figures?: Readonly<Record<string, unknown>>;
    };

/** Ends it. In the transaction that makes the result count, where there is one. @throws OdometerError `measurement_taken_over` */
export async function finishMeasurement(
  db: Queryable,
  { id, holder }: Hold,
  end: MeasurementEnd,
): Promise<void> {
  const { rowCount } = await db.query(
    `update measurements
     set state = $3, finished_at = clock_timestamp(), figures = $4, failure = $5, detail = $6
     where id = $1 and holder = $2 and state = 'running'`,
    [
      id,
      holder,
      end.state,
      JSON.stringify(end.figures ?? {}),
      'failure' in end ? end.failure : null,
      'detail' in end ? end.detail.slice(0, 2_000) : null,
    ],
  );
  if (rowCount === 0) throw new OdometerError('measurement_taken_over', { measurement: id });
}

export interface Target {
  readonly kind: TargetKind;
  readonly target: string;
}

export interface DueTarget extends Target {
  readonly purpose: Purpose;
}

/**
 * Declared targets, those first that were measured longest ago, that have no complete or refused measurement since the hour
 * began; those with a delay (`delayMinutes`), since so long after an hour has ended. And those that are retired and not empty.
 *
 * @param now says which hour it is.
 */
export async function dueTargets(db: Queryable, now: Date): Promise<readonly DueTarget[]> {
  const { rows } = await db.query<DueTarget>(
    `with declared as (
       select 'bucket' as kind, name as target, interval '0' as delay, retired_at, emptied_at from buckets
       union all
       select kind, name, make_interval(mins => coalesce((declaration ->> 'delayMinutes')::integer, 0)), retired_at, null
       from measured_targets
     )
     select d.kind, d.target, case when d.retired_at is null then 'hourly' else 'retire' end as purpose
     from declared d
     left join lateral (
       select m.started_at from whole_measurements m
       where m.kind = d.kind and m.target = d.target
       order by m.id desc limit 1
     ) last on true
     where d.emptied_at is null and (d.retired_at is not null or last.started_at is null
       or last.started_at < date_trunc('hour', $1::timestamptz - d.delay, 'UTC') + d.delay)
     order by last.started_at nulls first, d.kind, d.target`,
    [now],
  );
  return rows;
}

export interface LatestMeasurement extends Target {
  readonly purpose: Purpose;
  readonly state: 'running' | 'complete' | 'refused' | 'failed';
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly figures: Readonly<Record<string, unknown>>;
  readonly failure: string | null;
  readonly detail: string | null;
  /** When the last complete one began that measured all there is (whole_measurements); null: there was none. */
  readonly completeAt: Date | null;
}

/** The newest measurement of each declared target that has one, by kind and name. */
export async function latestMeasurements(db: Queryable): Promise<readonly LatestMeasurement[]> {
  const { rows } = await db.query<LatestMeasurement>(
    `with declared as (
       select 'bucket' as kind, name as target from buckets where retired_at is null
       union all
       select kind, name from measured_targets where retired_at is null
     )
     select d.kind, d.target, m.purpose, m.state, m.started_at as "startedAt", m.finished_at as "finishedAt",
       m.figures, m.failure, m.detail, complete.started_at as "completeAt"
     from declared d
     join lateral (
       select * from measurements m where m.kind = d.kind and m.target = d.target and m.purpose <> 'retire'
         and not exists (
           select from measurements r
           where r.kind = m.kind and r.target = m.target and r.purpose = 'retire' and r.state = 'complete' and r.id > m.id
         )
       order by m.id desc limit 1
     ) m on true
     left join lateral (
       select c.started_at from whole_measurements c
       where c.kind = d.kind and c.target = d.target and c.state = 'complete'
       order by c.id desc limit 1
     ) complete on true
     order by d.kind, d.target`,
  );
  return rows;
}
