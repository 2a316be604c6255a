import { toTimestamp } from '@odometer/domain/period';
import { plainArray, textArray } from '../array-parameter.ts';
import type { Queryable, Transaction } from '../pool.ts';
import type { ObjectName } from './current-objects.ts';

/** Whose an object is, and of which kind. */
export interface ObjectOwner {
  /** Null: nobody's. Both or none. */
  readonly organizationId: string | null;
  readonly projectId: string | null;
  readonly unattributedTo: string | null;
  readonly type: string;
  readonly objectId: string | null;
}

/** Where a walk through a bucket has got to. */
export interface ObjectPosition {
  readonly key: string;
  readonly version: string;
}

/** The next objects of a bucket, tombstones too, in the order of their keys. Locks nothing. */
export async function nextObjects(
  db: Queryable,
  bucketId: number,
  after: ObjectPosition | null,
  limit: number,
): Promise<readonly ObjectPosition[]> {
  const { rows } = await db.query<ObjectPosition>(
    `select key, version from stored_objects
     where bucket_id = $1 and (key, version) > ($2, $3) order by key, version limit $4`,
    [bucketId, after?.key ?? '', after?.version ?? '', limit],
  );
  return rows;
}

/** A locked row: nobody changes it until the transaction ends. */
export interface LockedObject extends ObjectName, ObjectOwner {
  readonly live: boolean;
  readonly sizeBytes: bigint;
}

const LOCKED = `o.bucket_id, o.key, o.version, o.organization_id, o.project_id, o.unattributed_to, o.metered_object_type,
  o.object_id, o.live, o.size_bytes`;

interface LockedRow {
  readonly bucket_id: number;
  readonly key: string;
  readonly version: string;
  readonly organization_id: string | null;
  readonly project_id: string | null;
  readonly unattributed_to: string | null;
  readonly metered_object_type: string;
  readonly object_id: string | null;
  readonly live: boolean;
  readonly size_bytes: string;
}

function lockedObject(row: LockedRow): LockedObject {
  return {
    bucketId: row.bucket_id,
    key: row.key,
    version: row.version,
    organizationId: row.organization_id,
    projectId: row.project_id,
    unattributedTo: row.unattributed_to,
    type: row.metered_object_type,
    objectId: row.object_id,
    live: row.live,
    sizeBytes: BigInt(row.size_bytes),
  };
}

/** Locks objects of a bucket, sorted. @returns those that are there. */
export async function lockObjects(
  transaction: Transaction,
  bucketId: number,
  positions: readonly ObjectPosition[],
): Promise<readonly LockedObject[]> {
  const { rows } = await transaction.query<LockedRow>(
    `select ${LOCKED}
     from stored_objects o
     join unnest($2::text[], $3::text[]) as n (key, version)
       on o.key = n.key collate "C" and o.version = n.version collate "C"
     where o.bucket_id = $1
     order by o.bucket_id, o.key, o.version for update of o`,
    [
      bucketId,
      textArray(positions.map(({ key }) => key)),
      textArray(positions.map(({ version }) => version)),
    ],
  );
  return rows.map(lockedObject);
}

/**
 * Locks the next objects that wait for an owner of this name, sorted, by the index stored_objects_unattributed.
 *
 * @param after the last of those before: or each time what was moved already would be walked past again.
 */
export async function lockUnattributedObjects(
  transaction: Transaction,
  unattributedTo: string,
  after: ObjectName | undefined,
  limit: number,
): Promise<readonly LockedObject[]> {
  const { rows } = await transaction.query<LockedRow>(
    `select ${LOCKED} from stored_objects o
     where o.unattributed_to = $1 and (o.bucket_id, o.key, o.version) > ($2, $3, $4)
     order by o.unattributed_to, o.bucket_id, o.key, o.version limit $5 for update of o`,
    [unattributedTo, after?.bucketId ?? 0, after?.key ?? '', after?.version ?? '', limit],
  );
  return rows.map(lockedObject);
}

/** Whose a row becomes, and from when on its bytes are counted for them; null: as before. */
export interface OwnedObject extends ObjectName, ObjectOwner {
  readonly ownedSinceMs: number | null;
}

/** Gives locked objects other owners or types. */
export async function setOwners(
  transaction: Transaction,
  owned: readonly OwnedObject[],
): Promise<void> {
  await transaction.query(
    `update stored_objects o
     set organization_id = n.organization_id, project_id = n.project_id, unattributed_to = n.unattributed_to,
       metered_object_type = n.type, object_id = n.object_id, owned_since = coalesce(n.owned_since, o.owned_since)
     from unnest($1::int[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
       $9::timestamptz[])
       as n (bucket_id, key, version, organization_id, project_id, unattributed_to, type, object_id, owned_since)
     where o.bucket_id = n.bucket_id and o.key = n.key collate "C" and o.version = n.version collate "C"`,
    [
      plainArray(owned.map((row) => row.bucketId)),
      textArray(owned.map((row) => row.key)),
      textArray(owned.map((row) => row.version)),
      plainArray(owned.map((row) => row.organizationId)),
      plainArray(owned.map((row) => row.projectId)),
      textArray(owned.map((row) => row.unattributedTo)),
      textArray(owned.map((row) => row.type)),
      textArray(owned.map((row) => row.objectId)),
      plainArray(
        owned.map(({ ownedSinceMs }) => (ownedSinceMs === null ? null : toTimestamp(ownedSinceMs))),
      ),
    ],
  );
}

export interface AttributableObjects {
  /** As the objects have it. */
  readonly unattributedTo: string;
  readonly organizationId: string;
  readonly projectId: string;
}

/**
 * Names that objects, or byte-time of objects, wait for and that are registered by now. Looks at each name once, however many
 * objects wait for it.
 */
export async function attributableObjects(db: Queryable): Promise<readonly AttributableObjects[]> {
  const { rows } = await db.query<AttributableObjects>(
    `with recursive names as (
       (select unattributed_to as name from stored_objects where unattributed_to is not null order by 1 limit 1)
       union all
       select (select o.unattributed_to from stored_objects o where o.unattributed_to > n.name order by 1 limit 1)
       from names n where n.name is not null
     )
     select n.name as "unattributedTo", o.id as "organizationId", p.id as "projectId"
     from (
       select name from names
       union
       -- Of objects that are gone, or somebody else's by now.
       select organization || '/' || project from unattributed_storage_changes
     ) n
     join organizations o on o.slug = split_part(n.name, '/', 1)
     join projects p on p.organization_id = o.id and p.slug = split_part(n.name, '/', 2)
     order by 1`,
  );
  return rows;
}
