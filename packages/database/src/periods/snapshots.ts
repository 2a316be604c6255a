import { lockDays } from '../advisory-locks.ts';
import { inTransaction, type Pool, type Queryable } from '../pool.ts';
import { carryGauges, countDevices, markNextDay } from './refresh-days.ts';

/** Projects that a transaction looks at; their devices are counted, which is most of the work. */
const PROJECTS_A_TRANSACTION = 5_000;

/** SQL of the day that goes on by Postgres' clock: whoever asks, no day has a snapshot before it has ended. */
const TODAY = `(clock_timestamp() at time zone 'UTC')::date`;

/**
 * Days that have ended without their snapshot, oldest first.
 *
 * @param today `YYYY-MM-DD`: the day that has not ended yet.
 */
export async function missingSnapshots(db: Queryable, today: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ day: string }>(
    `select g::date::text as day
     from generate_series(
       (select (min(created_at) at time zone 'UTC')::date from projects)::timestamp,
       least($1::date, ${TODAY}) - interval '1 day', '1 day') g
     where not exists (select from snapshots s where s.day = g::date and s.taken_at is not null)
     order by 1`,
    [today],
  );
  return rows.map(({ day }) => day);
}

/**
 * Fills in a day that has ended what its hours do not say: gauges that were not read, devices. Not for months that are
 * final. May be repeated, and gives the same whenever it is done.
 *
 * @param after the last project that is done; '0' at first.
 * @returns the last project that is done now; undefined when all are.
 */
export async function snapshotSome(
  pool: Pool,
  day: string,
  after: string,
): Promise<string | undefined> {
  return inTransaction(pool, async (transaction) => {
    await lockDays(transaction);
    const { rows } = await transaction.query<{ id: string; isFinal: boolean }>(
      `select p.id, exists (
         select from periods f where f.organization_id = p.organization_id and f.state = 'final'
           and f.month = date_trunc('month', $1::date::timestamp) at time zone 'UTC') as "isFinal"
       from projects p where p.id > $2 order by p.id limit $3`,
      [day, after, PROJECTS_A_TRANSACTION],
    );
    const projectIds = rows.filter(({ isFinal }) => !isFinal).map(({ id }) => id);
    await countDevices(transaction, day, projectIds);
    const carried = await carryGauges(transaction, day, projectIds);
    // A later day may have its snapshot already: somebody asked for it, and it had nothing to carry.
    await markNextDay(transaction, day, [...new Set(carried.map(({ projectId }) => projectId))]);
    return rows.at(-1)?.id;
  });
}

/**
 * Begins a day's snapshot: from now on whatever changes in the days before is carried into it.
 *
 * @returns whether the day has ended; if not, nothing was begun.
 */
export async function beginSnapshot(db: Queryable, day: string): Promise<boolean> {
  const { rows } = await db.query<{ ended: boolean }>(
    `with asked as (select $1::date as day, $1::date < ${TODAY} as ended),
       begun as (insert into snapshots (day) select day from asked where ended on conflict do nothing)
     select ended from asked`,
    [day],
  );
  return rows[0]?.ended === true;
}

/** Notes that every project has been looked at. */
export async function completeSnapshot(db: Queryable, day: string, now: string): Promise<void> {
  await db.query('update snapshots set taken_at = $2 where day = $1', [day, now]);
}

/** When the snapshots of days were taken last, by day; those that were never taken are not in it. */
export async function snapshotTakenAt(
  db: Queryable,
  days: readonly string[],
): Promise<ReadonlyMap<string, Date>> {
  const { rows } = await db.query<{ day: string; takenAt: Date }>(
    `select day::text, taken_at as "takenAt" from snapshots where day = any($1::date[]) and taken_at is not null`,
    [days],
  );
  return new Map(rows.map(({ day, takenAt }) => [day, takenAt]));
}
