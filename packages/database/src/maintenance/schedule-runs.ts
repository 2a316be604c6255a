import { toTimestamp } from '@odometer/domain/period';
import type { Queryable } from '../pool.ts';

/** Notes that a bell was answered with success; an older answer that comes later changes nothing. */
export async function recordScheduleRun(
  db: Queryable,
  schedule: string,
  nowMs: number,
): Promise<void> {
  await db.query(
    `insert into schedule_runs as r (schedule, succeeded_at) values ($1, $2)
     on conflict (schedule) do update set succeeded_at = greatest(r.succeeded_at, excluded.succeeded_at)`,
    [schedule, toTimestamp(nowMs)],
  );
}

/** When each bell was last answered with success, milliseconds since the epoch; one that never was is absent. */
export async function scheduleRuns(db: Queryable): Promise<ReadonlyMap<string, number>> {
  const { rows } = await db.query<{ schedule: string; succeeded_at: Date }>(
    'select schedule, succeeded_at from schedule_runs',
  );
  return new Map(rows.map(({ schedule, succeeded_at }) => [schedule, succeeded_at.getTime()]));
}
