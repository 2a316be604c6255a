import type { Queryable } from '../pool.ts';

/** Notes where a reading of windows begins: with the hour in which it is declared. One that is noted already stays. */
export async function beginReading(db: Queryable, name: string): Promise<void> {
  await db.query(
    `insert into reading_progress (name, read_from, read_through)
     values ($1, date_trunc('hour', now(), 'UTC'), date_trunc('hour', now(), 'UTC'))
     on conflict do nothing`,
    [name],
  );
}

export interface ReadingProgress {
  /** The first hour that is read without being asked for. */
  readonly readFrom: Date;
  /** The first hour that was never read. */
  readonly readThrough: Date;
}

/** @returns undefined when the reading was never begun. */
export async function readingProgress(
  db: Queryable,
  name: string,
): Promise<ReadingProgress | undefined> {
  const { rows } = await db.query<ReadingProgress>(
    'select read_from as "readFrom", read_through as "readThrough" from reading_progress where name = $1',
    [name],
  );
  return rows[0];
}

/** Notes that the hours before this one are read. */
export async function advanceReading(db: Queryable, name: string, through: Date): Promise<void> {
  await db.query(
    'update reading_progress set read_through = greatest(read_through, $2) where name = $1',
    [name, through],
  );
}
