import type { Queryable, Transaction } from './pool.ts';
import { createOrganizations, createProjects, type ProjectName } from './registry.ts';

export interface DeclaredOrganization {
  readonly slug: string;
  readonly name: string | null;
  /** Created on first sight; false once somebody has declared it. */
  readonly discovered: boolean;
}

export async function findOrganization(
  db: Queryable,
  slug: string,
): Promise<DeclaredOrganization | undefined> {
  const { rows } = await db.query<DeclaredOrganization>(
    'select slug, name, discovered from organizations where slug = $1',
    [slug],
  );
  return rows[0];
}

/** Registers an organization under a name for people; `null` leaves it nameless. */
export async function declareOrganization(
  transaction: Transaction,
  slug: string,
  name: string | null,
): Promise<void> {
  await createOrganizations(transaction, [slug], false);
  await transaction.query(
    'update organizations set discovered = false, name = $2 where slug = $1 and (discovered or name is distinct from $2)',
    [slug, name],
  );
}

export interface DeclaredProject {
  readonly id: string;
  readonly organization: string;
  readonly project: string;
  readonly name: string | null;
  readonly discovered: boolean;
  readonly createdAt: Date;
}

const SELECT_PROJECT = `select p.id, o.slug as organization, p.slug as project, p.name, p.discovered,
    p.created_at as "createdAt"
  from projects p join organizations o on o.id = p.organization_id`;

/** By organization and slug. */
export async function listProjects(db: Queryable): Promise<readonly DeclaredProject[]> {
  const { rows } = await db.query<DeclaredProject>(`${SELECT_PROJECT} order by o.slug, p.slug`);
  return rows;
}

/** By its name, or by its id as decimal text. */
export async function findProject(
  db: Queryable,
  by: ProjectName | { readonly id: string },
): Promise<DeclaredProject | undefined> {
  const { rows } =
    'id' in by
      ? await db.query<DeclaredProject>(`${SELECT_PROJECT} where p.id = $1`, [by.id])
      : await db.query<DeclaredProject>(`${SELECT_PROJECT} where o.slug = $1 and p.slug = $2`, [
          by.organization,
          by.project,
        ]);
  return rows[0];
}

/** Registers a project, and its organization when that is new. A discovered one becomes a declared one. */
export async function declareProject(
  transaction: Transaction,
  project: ProjectName & { readonly name: string | null },
): Promise<void> {
  await createOrganizations(transaction, [project.organization], false);
  await createProjects(transaction, [project], false);
  await transaction.query(
    `update projects p set discovered = false, name = $3
     from organizations o
     where o.id = p.organization_id and o.slug = $1 and p.slug = $2
       and (p.discovered or p.name is distinct from $3)`,
    [project.organization, project.project, project.name],
  );
}
