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
