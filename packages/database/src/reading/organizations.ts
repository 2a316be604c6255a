import type { Queryable } from '../pool.ts';

export interface OrganizationRow {
  readonly id: string;
  readonly organization: string;
  readonly name: string | null;
  readonly discovered: boolean;
  /** As its application told last. */
  readonly users: string;
  readonly createdAt: Date;
  readonly archivedAt: Date | null;
}

const SELECT = `select o.id, o.slug as organization, o.name, o.discovered,
    coalesce((
      select u.users from organization_users u where u.organization_id = o.id order by u.since desc limit 1
    ), 0) as users,
    o.created_at as "createdAt", o.archived_at as "archivedAt"
  from organizations o`;

export async function findOrganization(
  db: Queryable,
  slug: string,
): Promise<OrganizationRow | undefined> {
  const { rows } = await db.query<OrganizationRow>(`${SELECT} where o.slug = $1`, [slug]);
  return rows[0];
}

/** Organizations by id, so that one that is registered meanwhile comes at the end and none is shown twice. */
export async function listOrganizations(
  db: Queryable,
  page: {
    /** The only one that may be seen; null: all. */
    readonly organization: string | null;
    /** Id of the last one of the page before. */
    readonly after: string | undefined;
    readonly limit: number;
  },
): Promise<readonly OrganizationRow[]> {
  const { rows } = await db.query<OrganizationRow>(
    `${SELECT}
     where ($1::text is null or o.slug = $1) and o.id > coalesce($2::bigint, 0)
     order by o.id limit $3`,
    [page.organization, page.after ?? null, page.limit],
  );
  return rows;
}
