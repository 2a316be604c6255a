import { plainArray, textArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';

/** What a listing has seen for somebody; project '0' is nobody. */
export interface ListingSum {
  readonly projectId: string;
  readonly type: string;
  readonly bytes: bigint;
  readonly objects: number;
}

/** Adds what a page had. @param sums one for each project and type. */
export async function addListingSums(
  transaction: Transaction,
  measurementId: string,
  sums: readonly ListingSum[],
): Promise<void> {
  if (sums.length === 0) return;
  await transaction.query(
    `insert into listing_sums as s (measurement_id, project_id, metered_object_type, bytes, objects)
     select $1, * from unnest($2::bigint[], $3::text[], $4::numeric[], $5::bigint[])
     on conflict (measurement_id, project_id, metered_object_type) do update
     set bytes = s.bytes + excluded.bytes, objects = s.objects + excluded.objects`,
    [
      measurementId,
      plainArray(sums.map(({ projectId }) => projectId)),
      textArray(sums.map(({ type }) => type)),
      plainArray(sums.map(({ bytes }) => String(bytes))),
      plainArray(sums.map(({ objects }) => objects)),
    ],
  );
}

/** By how much a bucket's level differs from what a listing has seen. */
export interface LevelDifference {
  readonly projectId: string | null;
  readonly organizationId: string | null;
  readonly type: string;
  readonly bytes: bigint;
  readonly objects: number;
}

/**
 * What is to be added to a bucket's levels for them to be what a listing has seen. Levels that a listing sets are changed by
 * nobody else.
 */
export async function differencesFromLevels(
  transaction: Transaction,
  measurementId: string,
  bucketId: number,
): Promise<readonly LevelDifference[]> {
  const { rows } = await transaction.query<{
    project_id: string | null;
    organization_id: string | null;
    metered_object_type: string;
    bytes: string;
    objects: string;
  }>(
    `select nullif(d.project_id, 0) as project_id, p.organization_id, d.metered_object_type, d.bytes, d.objects
     from (
       select project_id, metered_object_type, coalesce(s.bytes, 0) - coalesce(l.bytes, 0) as bytes,
         coalesce(s.objects, 0) - coalesce(l.objects, 0) as objects
       from (select * from listing_sums where measurement_id = $1) s
       full join (select * from storage_levels where bucket_id = $2) l using (project_id, metered_object_type)
     ) d
     left join projects p on p.id = d.project_id
     where (d.bytes, d.objects) <> (0, 0)`,
    [measurementId, bucketId],
  );
  return rows.map(({ project_id, organization_id, metered_object_type, bytes, objects }) => ({
    projectId: project_id,
    organizationId: organization_id,
    type: metered_object_type,
    bytes: BigInt(bytes),
    objects: Number(objects),
  }));
}
