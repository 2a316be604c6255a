import type { Queryable } from '../pool.ts';
import type { MeterQuery } from './meter-query.ts';
import type { ResolvedQuery } from './usage-rows.ts';

/** Whose subject it is that names no organization, when the key has none. */
const DEFAULT_ORGANIZATION = 'default';

/** Looks up what a question names. @returns undefined when it names nobody who is known: then there is no usage. */
export async function resolveNames(
  db: Queryable,
  query: MeterQuery,
): Promise<ResolvedQuery | undefined> {
  const organizationIds = await organizationIdsOf(db, query);
  const subjects = query.subjects === null ? null : await resolveSubjects(db, query.subjects);
  if (organizationIds?.length === 0 || subjects?.length === 0) return undefined;
  const { organization, ...rest } = query;
  return {
    ...rest,
    ownOrganization: organization ?? DEFAULT_ORGANIZATION,
    organizationIds,
    subjects,
  };
}

async function organizationIdsOf(
  db: Queryable,
  { organization, organizations }: MeterQuery,
): Promise<readonly string[] | null> {
  if (organization === null && organizations === null) return null;
  const { rows } = await db.query<{ id: string }>(
    `select id from organizations
     where ($1::text is null or slug = $1) and ($2::text[] is null or slug = any ($2))`,
    [organization, organizations],
  );
  return rows.map(({ id }) => id);
}

async function resolveSubjects(
  db: Queryable,
  subjects: NonNullable<MeterQuery['subjects']>,
): Promise<NonNullable<ResolvedQuery['subjects']>> {
  const { rows } = await db.query<NonNullable<ResolvedQuery['subjects']>[number]>(
    `select s.label, p.id as "projectId", s.device
     from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as s (label, organization, project, device)
     join organizations o on o.slug = s.organization
     join projects p on p.organization_id = o.id and p.slug = s.project`,
    [
      subjects.map(({ label }) => label),
      subjects.map(({ organization }) => organization),
      subjects.map(({ project }) => project),
      subjects.map(({ device }) => device ?? null),
    ],
  );
  return rows;
}
