import type { Queryable } from '../pool.ts';

/**
 * An instant for `registeredProjects`: of it the answer is the same for whoever asks, however often. A project has the time at which
 * the transaction began that registers it, and is seen when that is over. So it is before all that are under way, as far as this role
 * may see them, and a minute ago in any case.
 */
export async function settledInstant(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ at: Date }>(
    `select date_trunc('milliseconds', least(clock_timestamp() - interval '1 minute', min(xact_start) - interval '1 millisecond')) as at
     from pg_stat_activity where datname = current_database()`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the clock of Postgres returned no row');
  return row.at;
}

/** Which of these names, `organization/project`, somebody had registered at an instant. */
export async function registeredProjects(
  db: Queryable,
  names: readonly string[],
  at: Date,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select n.name
     from unnest($1::text[]) as n (name)
     join organizations o on o.slug = split_part(n.name, '/', 1)
     join projects p on p.organization_id = o.id and p.slug = split_part(n.name, '/', 2)
     where p.created_at <= $2`,
    [names, at],
  );
  return rows.map(({ name }) => name);
}
