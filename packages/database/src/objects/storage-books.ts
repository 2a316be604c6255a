import { plainArray, textArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';

/** In the place of a project: nobody. */
export const NOBODY = '0';

/**
 * Locks the accounts of projects, sorted, opening those that are missing, and notes that their gauges are to be read. It
 * comes before their levels are changed: whoever holds an account reads levels that are whole.
 */
export async function lockAccounts(
  transaction: Transaction,
  owners: readonly { readonly projectId: string; readonly organizationId: string }[],
): Promise<void> {
  if (owners.length === 0) return;
  await transaction.query(
    `insert into storage_accounts as a (project_id, organization_id)
     select * from unnest($1::bigint[], $2::bigint[]) as n (project_id, organization_id) order by 1
     on conflict (project_id) do update set unread = true
     -- Where it is unread already the row is locked all the same, and nothing is written.
     where not a.unread`,
    [
      plainArray(owners.map(({ projectId }) => projectId)),
      plainArray(owners.map(({ organizationId }) => organizationId)),
    ],
  );
}

/** A change of what lies in a bucket for somebody. */
export interface LevelChange {
  readonly bucketId: number;
  /** NOBODY: of objects that are nobody's. */
  readonly projectId: string;
  readonly type: string;
  readonly bytes: bigint;
  readonly objects: number;
}

/** Adds to levels, sorted. Demands the accounts' locks. @param changes one for each bucket, project and type. */
export async function addLevels(
  transaction: Transaction,
  changes: readonly LevelChange[],
): Promise<void> {
  if (changes.length === 0) return;
  await transaction.query(
    `insert into storage_levels as l (bucket_id, project_id, metered_object_type, bytes, objects)
     select * from unnest($1::int[], $2::bigint[], $3::text[], $4::numeric[], $5::bigint[])
       as c (bucket_id, project_id, metered_object_type, bytes, objects)
     order by 1, 2, 3
     on conflict (bucket_id, project_id, metered_object_type) do update
     set bytes = l.bytes + excluded.bytes, objects = l.objects + excluded.objects`,
    [
      plainArray(changes.map(({ bucketId }) => bucketId)),
      plainArray(changes.map(({ projectId }) => projectId)),
      textArray(changes.map(({ type }) => type)),
      plainArray(changes.map(({ bytes }) => String(bytes))),
      plainArray(changes.map(({ objects }) => objects)),
    ],
  );
}

/** What changed in an hour that is not settled. */
export interface StorageChange {
  readonly projectId: string;
  /** RFC 3339, UTC. */
  readonly hour: string;
  readonly bytes: bigint;
  /** Σ of each change and the milliseconds from it to the hour's end. */
  readonly byteMs: bigint;
}

/** Adds to what the hours to be settled hold, sorted. Demands the storage lock, shared, and the accounts' locks. */
export async function addStorageChanges(
  transaction: Transaction,
  changes: readonly StorageChange[],
): Promise<void> {
  if (changes.length === 0) return;
  await transaction.query(
    `insert into storage_changes as s (project_id, hour, bytes, byte_ms)
     select * from unnest($1::bigint[], $2::timestamptz[], $3::numeric[], $4::numeric[]) as c (project_id, hour, bytes, byte_ms)
     order by 1, 2
     on conflict (project_id, hour) do update
     set bytes = s.bytes + excluded.bytes, byte_ms = s.byte_ms + excluded.byte_ms`,
    [
      plainArray(changes.map(({ projectId }) => projectId)),
      plainArray(changes.map(({ hour }) => hour)),
      plainArray(changes.map(({ bytes }) => String(bytes))),
      plainArray(changes.map(({ byteMs }) => String(byteMs))),
    ],
  );
}
