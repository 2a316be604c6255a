import { toTimestamp } from '@odometer/domain/period';
import type { Queryable } from '../pool.ts';

/** Something that objects belonged to, and that is gone for good. */
export interface DeletedOwner {
  readonly projectId: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly deletedAtMs: number;
  /** Whose word it is: `event:` and the event's source, or `key:` and the API key's id. */
  readonly recordedBy: string;
}

/** Records deleted owners; who is recorded already stays as it is. */
export async function recordDeletedOwners(
  db: Queryable,
  owners: readonly DeletedOwner[],
): Promise<void> {
  if (owners.length === 0) return;
  await db.query(
    `insert into deleted_owners (project_id, object_type, object_id, deleted_at, recorded_by)
     select * from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])
       as d (project_id, object_type, object_id, at, by)
     order by 1, 2, 3
     on conflict do nothing`,
    [
      owners.map(({ projectId }) => projectId),
      owners.map(({ objectType }) => objectType),
      owners.map(({ objectId }) => objectId),
      owners.map(({ deletedAtMs }) => toTimestamp(deletedAtMs)),
      owners.map(({ recordedBy }) => recordedBy),
    ],
  );
}

/** Of which deleted owners: all, or those of a project, a type or an id. */
export interface OwnerFilter {
  readonly projectId?: string;
  readonly objectType?: string;
  readonly objectId?: string;
}

const FILTERED =
  '($1::bigint is null or project_id = $1) and ($2::text is null or object_type = $2) and ($3::text is null or object_id = $3)';
const RECORDED_AT = `to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** When the newest of them was said to be deleted, to the microsecond; undefined when there is none. */
export async function newestDeletedOwner(
  db: Queryable,
  { projectId, objectType, objectId }: OwnerFilter,
): Promise<string | undefined> {
  const { rows } = await db.query<{ at: string }>(
    `select ${RECORDED_AT} as at from deleted_owners where ${FILTERED} order by recorded_at desc limit 1`,
    [projectId ?? null, objectType ?? null, objectId ?? null],
  );
  return rows[0]?.at;
}

/** Deleted owners in order, a page at a time. @param options.upTo only those that were recorded by then. */
export async function listDeletedOwners(
  db: Queryable,
  options: OwnerFilter & {
    readonly upTo: string;
    readonly after: Pick<DeletedOwner, 'projectId' | 'objectType' | 'objectId'> | undefined;
    readonly limit: number;
  },
): Promise<
  readonly (Pick<DeletedOwner, 'projectId' | 'objectType' | 'objectId'> & {
    readonly recordedAt: string;
  })[]
> {
  const { projectId, objectType, objectId, upTo, after, limit } = options;
  const { rows } = await db.query<Awaited<ReturnType<typeof listDeletedOwners>>[number]>(
    `select project_id as "projectId", object_type as "objectType", object_id as "objectId", ${RECORDED_AT} as "recordedAt"
     from deleted_owners
     where ${FILTERED} and recorded_at <= $4 and (project_id, object_type, object_id) > ($5::bigint, $6::text, $7::text)
     order by project_id, object_type, object_id limit $8`,
    [
      projectId ?? null,
      objectType ?? null,
      objectId ?? null,
      upTo,
      after?.projectId ?? '0',
      after?.objectType ?? '',
      after?.objectId ?? '',
      limit,
    ],
  );
  return rows;
}

/** Takes back that an owner is deleted: its objects are no orphans any more. @returns whether it was said. */
export async function forgetDeletedOwner(
  db: Queryable,
  { projectId, objectType, objectId }: Pick<DeletedOwner, 'projectId' | 'objectType' | 'objectId'>,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'delete from deleted_owners where project_id = $1 and object_type = $2 and object_id = $3',
    [projectId, objectType, objectId],
  );
  return rowCount !== 0;
}
