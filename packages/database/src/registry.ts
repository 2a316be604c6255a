import type { Queryable, Transaction } from './pool.ts';

export interface ProjectRow {
  readonly organization: string;
  readonly project: string;
  readonly organizationId: string;
  readonly projectId: string;
}

export interface ProjectName {
  readonly organization: string;
  readonly project: string;
}

/** The registered ones among the named projects. */
export async function findProjects(
  db: Queryable,
  names: readonly ProjectName[],
): Promise<readonly ProjectRow[]> {
  const { rows } = await db.query<ProjectRow>(
    `select o.slug as organization, p.slug as project, o.id as "organizationId", p.id as "projectId"
     from unnest($1::text[], $2::text[]) as n (organization, project)
     join organizations o on o.slug = n.organization
     join projects p on p.organization_id = o.id and p.slug = n.project`,
    [names.map((name) => name.organization), names.map((name) => name.project)],
  );
  return rows;
}

/** Organizations by slug, id by slug. */
export async function findOrganizations(
  db: Queryable,
  slugs: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ slug: string; id: string }>(
    'select slug, id from organizations where slug = any($1::text[])',
    [slugs],
  );
  return new Map(rows.map(({ slug, id }) => [slug, id]));
}

/** Creates what is missing, in sorted order. Somebody else may create the same at the same time. */
export async function createOrganizations(
  transaction: Transaction,
  slugs: readonly string[],
  discovered: boolean,
): Promise<void> {
  await transaction.query(
    `insert into organizations (slug, discovered)
     select slug, $2 from unnest($1::text[]) as n (slug) order by slug
     on conflict do nothing`,
    [slugs, discovered],
  );
}

/** Creates what is missing of projects of registered organizations, in sorted order. */
export async function createProjects(
  transaction: Transaction,
  names: readonly ProjectName[],
  discovered: boolean,
): Promise<void> {
  await transaction.query(
    `insert into projects (organization_id, slug, discovered)
     select o.id, n.project, $3
     from unnest($1::text[], $2::text[]) as n (organization, project)
     join organizations o on o.slug = n.organization
     order by o.id, n.project
     on conflict do nothing`,
    [names.map((name) => name.organization), names.map((name) => name.project), discovered],
  );
}

export interface DeviceName {
  readonly projectId: string;
  readonly device: string;
}

export interface DeviceRow extends DeviceName {
  readonly deviceId: string;
}

/** The registered ones among the named devices. */
export async function findDevices(
  db: Queryable,
  names: readonly DeviceName[],
): Promise<readonly DeviceRow[]> {
  const { rows } = await db.query<DeviceRow>(
    `select d.project_id as "projectId", d.slug as device, d.id as "deviceId"
     from unnest($1::bigint[], $2::text[]) as n (project_id, slug)
     join devices d on d.project_id = n.project_id and d.slug = n.slug`,
    [names.map((name) => name.projectId), names.map((name) => name.device)],
  );
  return rows;
}

/** Creates missing devices, in sorted order. */
export async function createDevices(
  transaction: Transaction,
  names: readonly DeviceName[],
  seenAt: string,
): Promise<void> {
  await transaction.query(
    `insert into devices (project_id, slug, discovered, first_seen_at)
     select project_id, slug, true, least($3::timestamptz, clock_timestamp())
     from unnest($1::bigint[], $2::text[]) as n (project_id, slug)
     order by project_id, slug
     on conflict do nothing`,
    [names.map((name) => name.projectId), names.map((name) => name.device), seenAt],
  );
}

/** Moves devices' last-seen forward, in sorted order; never back. Times to the minute. */
export async function touchDevices(
  transaction: Transaction,
  deviceIds: readonly string[],
  seenAt: readonly string[],
): Promise<void> {
  await transaction.query(
    `with seen as (
       select d.id, s.at
       from unnest($1::bigint[], $2::timestamptz[]) as s (id, at)
       join devices d on d.id = s.id
       where d.last_seen_at is null or d.last_seen_at < s.at
       order by d.id
       for no key update of d
     )
     update devices d set last_seen_at = greatest(d.last_seen_at, seen.at)
     from seen where d.id = seen.id`,
    [deviceIds, seenAt],
  );
}
