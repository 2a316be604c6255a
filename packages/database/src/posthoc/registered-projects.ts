import type { Queryable } from '../pool.ts';

/** Which of these names, `organization/project`, somebody has registered. */
export async function registeredProjects(
  db: Queryable,
  names: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select n.name
     from unnest($1::text[]) as n (name)
     join organizations o on o.slug = split_part(n.name, '/', 1)
     join projects p on p.organization_id = o.id and p.slug = split_part(n.name, '/', 2)`,
    [names],
  );
  return rows.map(({ name }) => name);
}
