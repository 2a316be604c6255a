import type { Queryable } from '../pool.ts';

/** Whoever registers a project has committed it by then. */
const SETTLED_AFTER = "interval '1 minute'";

/**
 * An instant for `registeredProjects`: of it the answer is the same for whoever asks, however often. By the clock of Postgres, of
 * which the times of projects are.
 */
export async function settledInstant(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ at: Date }>(
    `select date_trunc('milliseconds', clock_timestamp() - ${SETTLED_AFTER}) as at`,
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
