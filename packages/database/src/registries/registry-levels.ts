import { plainArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';

/** What a registry holds for a project; quantities are decimal text. */
export interface RegistryLevel {
  readonly organizationId: string;
  readonly projectId: string;
  readonly bytes: string;
  readonly providerBytes: string | null;
  readonly images: string;
}

/**
 * Replaces the levels of a registry, and has the gauges of its projects read. A project that has nothing there any more
 * goes to 0 and stays: a level that is not there would be no reading, and the last one would go on.
 *
 * Accounts are locked before levels, in order, as everybody does who changes levels.
 */
export async function replaceRegistryLevels(
  transaction: Transaction,
  registry: string,
  levels: readonly RegistryLevel[],
  measuredAt: Date,
): Promise<void> {
  const columns = [
    plainArray(levels.map(({ projectId }) => projectId)),
    plainArray(levels.map(({ organizationId }) => organizationId)),
  ];
  await transaction.query(
    `insert into storage_accounts (project_id, organization_id)
     select project_id, organization_id from (
       select * from unnest($2::bigint[], $3::bigint[]) as l (project_id, organization_id)
       union
       select project_id, organization_id from registry_levels where registry = $1 and (bytes <> 0 or images <> 0)
     ) projects
     order by project_id
     on conflict (project_id) do update set unread = true`,
    [registry, ...columns],
  );
  await transaction.query(
    `update registry_levels set bytes = 0, provider_bytes = case when provider_bytes is null then null else 0 end,
       images = 0, measured_at = $3
     where registry = $1 and project_id <> all($2::bigint[])`,
    [registry, columns[0], measuredAt],
  );
  await transaction.query(
    `insert into registry_levels (registry, project_id, organization_id, bytes, provider_bytes, images, measured_at)
     select $1, project_id, organization_id, bytes, provider_bytes, images, $7
     from unnest($2::bigint[], $3::bigint[], $4::numeric[], $5::numeric[], $6::bigint[])
       as l (project_id, organization_id, bytes, provider_bytes, images)
     order by project_id
     on conflict (registry, project_id) do update
     set bytes = excluded.bytes, provider_bytes = excluded.provider_bytes, images = excluded.images,
       measured_at = excluded.measured_at`,
    [
      registry,
      ...columns,
      plainArray(levels.map(({ bytes }) => bytes)),
      plainArray(levels.map(({ providerBytes }) => providerBytes)),
      plainArray(levels.map(({ images }) => images)),
      measuredAt,
    ],
  );
}
