import type { Purpose, TargetKind } from '@odometer/domain/measured-target';
import type { Queryable } from '../pool.ts';
import type { MeasurementRequest } from './measurements.ts';

/** What came of a measurement that somebody asked for and waits for. */
export interface AskedMeasurement {
  readonly id: string;
  readonly kind: TargetKind;
  readonly target: string;
  readonly purpose: Purpose;
  readonly state: 'running' | 'complete' | 'refused' | 'failed';
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly figures: Readonly<Record<string, unknown>>;
  readonly failure: string | null;
  readonly detail: string | null;
  /** Of a bucket: objects listed so far, and how many of its parts are read. */
  readonly listedObjects: string | null;
  readonly parts: number;
  readonly partsRead: number;
  /** Nobody is at it, and whoever was has not just let go of it for the next job: it waits to be taken up. */
  readonly isAbandoned: boolean;
}

/** The database's clock, by which measurements begin and end; text, with all of its digits. */
export async function databaseTime(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ now: string }>('select clock_timestamp()::text as now');
  const [row] = rows;
  if (row === undefined) throw new Error('the clock has no row');
  return row.now;
}

export interface AskedLook {
  /** Running, or ended since it was asked for. */
  readonly asked: AskedMeasurement | undefined;
  /** What the target is measured for just now; null: it is not, or nobody goes on with it. */
  readonly busyWith: Purpose | null;
}

/** From letting go of a measurement to taking it up again: a job's way through its queue. */
const HANDOVER = '10 seconds';

/** Looks for the measurement that was asked for. @param since of databaseTime, before it was. */
export async function findAskedMeasurement(
  db: Queryable,
  { kind, target, purpose, options }: MeasurementRequest,
  since: string,
): Promise<AskedLook> {
  const { rows } = await db.query<AskedMeasurement>(
    `select m.id, m.kind, m.target, m.purpose, m.state, m.started_at as "startedAt", m.finished_at as "finishedAt",
       m.figures, m.failure, m.detail, m.progress #>> '{tally,listed,objects}' as "listedObjects",
       s.parts, s.read as "partsRead",
       m.state = 'running' and m.held_until < clock_timestamp() - interval '${HANDOVER}' as "isAbandoned"
     from measurements m
     cross join lateral (
       select count(*)::int as parts, count(*) filter (where done)::int as read
       from listing_shards where measurement_id = m.id
     ) s
     where m.kind = $1 and m.target = $2 and m.purpose = $3 and m.options = $4
       and (m.state = 'running' or m.finished_at > $5)
     order by m.id desc limit 1`,
    [kind, target, purpose, JSON.stringify(options), since],
  );
  const { rows: running } = await db.query<{ purpose: Purpose }>(
    `select purpose from measurements where kind = $1 and target = $2 and state = 'running' and held_until > clock_timestamp()`,
    [kind, target],
  );
  return { asked: rows[0], busyWith: running[0]?.purpose ?? null };
}
