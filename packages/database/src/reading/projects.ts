import type { Queryable } from '../pool.ts';
import type { ProjectName } from '../registry.ts';

export interface ProjectRow {
  readonly id: string;
  readonly organizationId: string;
  readonly organization: string;
  readonly project: string;
  readonly name: string | null;
  readonly discovered: boolean;
  readonly createdAt: Date;
  readonly archivedAt: Date | null;
}

const SELECT = `select p.id, o.id as "organizationId", o.slug as organization, p.slug as project, p.name, p.discovered,
    p.created_at as "createdAt", p.archived_at as "archivedAt"
  from projects p join organizations o on o.id = p.organization_id`;

/**
 * One project, by its name or by its id.
 *
 * @param organization the only one whose projects may be seen; null: all.
 */
export async function findProject(
  db: Queryable,
  by: ProjectName | { readonly id: string },
  organization: string | null,
): Promise<ProjectRow | undefined> {
  const { rows } =
    'id' in by
      ? await db.query<ProjectRow>(
          {
            name: 'project-by-id',
            text: `${SELECT} where p.id = $1 and ($2::text is null or o.slug = $2)`,
          },
          [by.id, organization],
        )
      : await db.query<ProjectRow>(
          {
            name: 'project-by-name',
            text: `${SELECT} where o.slug = $1 and p.slug = $2 and ($3::text is null or o.slug = $3)`,
          },
          [by.organization, by.project, organization],
        );
  return rows[0];
}

/** Projects by id, so that one that is registered meanwhile comes at the end and none is shown twice. */
export async function listProjects(
  db: Queryable,
  page: {
    readonly organization: string | null;
    /** Id of the last project of the page before. */
    readonly after: string | undefined;
    readonly limit: number;
  },
): Promise<readonly ProjectRow[]> {
  const { rows } = await db.query<ProjectRow>(
    `${SELECT}
     where ($1::text is null or o.slug = $1) and p.id > coalesce($2::bigint, 0)
     order by p.id limit $3`,
    [page.organization, page.after ?? null, page.limit],
  );
  return rows;
}
