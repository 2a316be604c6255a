import type { Queryable } from '../pool.ts';

/** What a project has stored somewhere; decimal text. */
export interface ProjectStorage {
  /** Declared name of the bucket or the registry. */
  readonly where: string;
  /** Of objects as declared; `image` in a registry. */
  readonly type: string;
  readonly bytes: string;
  readonly objects: string;
}

/** What a project has stored now, by bucket and type, and by registry. */
export async function readProjectStorage(
  db: Queryable,
  projectId: string,
): Promise<readonly ProjectStorage[]> {
  const { rows } = await db.query<ProjectStorage>(
    `select b.name as "where", l.metered_object_type as type, l.bytes::text, l.objects::text
     from storage_levels l join buckets b on b.id = l.bucket_id
     where l.project_id = $1 and (l.bytes, l.objects) <> (0, 0)
     union all
     select registry, 'image', bytes::text, images::text from registry_levels
     where project_id = $1 and (bytes, images) <> (0, 0)
     order by 1, 2`,
    [projectId],
  );
  return rows;
}
