import type { Queryable } from '../pool.ts';

/** What is counted of a bucket or a registry; decimal text. */
export interface HeldByTarget {
  readonly projects: number;
  /** Objects, or images. */
  readonly objects: string;
  readonly bytes: string;
}

export async function heldByBucket(db: Queryable, name: string): Promise<HeldByTarget> {
  return held(
    db,
    `select count(distinct nullif(l.project_id, 0))::int as projects, coalesce(sum(l.objects), 0)::text as objects,
       coalesce(sum(l.bytes), 0)::text as bytes
     from storage_levels l join buckets b on b.id = l.bucket_id
     where b.name = $1 and (l.bytes, l.objects) <> (0, 0)`,
    name,
  );
}

/** Of images that several projects have, the bytes are in each of theirs. */
export async function heldByRegistry(db: Queryable, name: string): Promise<HeldByTarget> {
  return held(
    db,
    `select count(*)::int as projects, coalesce(sum(images), 0)::text as objects, coalesce(sum(bytes), 0)::text as bytes
     from registry_levels where registry = $1 and (bytes, images) <> (0, 0)`,
    name,
  );
}

async function held(db: Queryable, text: string, name: string): Promise<HeldByTarget> {
  const { rows } = await db.query<HeldByTarget>(text, [name]);
  const [row] = rows;
  if (row === undefined) throw new Error('a sum has no row');
  return row;
}
