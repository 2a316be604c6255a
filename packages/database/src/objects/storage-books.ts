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

/** What changed in an hour for a name that nobody has registered. */
export interface UnattributedChange extends Omit<StorageChange, 'projectId'> {
  /** `organization/project` */
  readonly name: string;
}

/**
 * Adds to what is kept for names, sorted. Demands the storage lock, shared. It comes after levels and before the changes of
 * projects: who gives a name's to its project locks them in this order too.
 */
export async function addUnattributedChanges(
  transaction: Transaction,
  changes: readonly UnattributedChange[],
): Promise<void> {
  if (changes.length === 0) return;
  await transaction.query(
    `insert into unattributed_storage_changes as s (organization, project, hour, bytes, byte_ms)
     select split_part(name, '/', 1), split_part(name, '/', 2), hour, bytes, byte_ms
     from unnest($1::text[], $2::timestamptz[], $3::numeric[], $4::numeric[]) as c (name, hour, bytes, byte_ms)
     order by 1, 2, 3
     on conflict (organization, project, hour) do update
     set bytes = s.bytes + excluded.bytes, byte_ms = s.byte_ms + excluded.byte_ms`,
    [
      textArray(changes.map(({ name }) => name)),
      plainArray(changes.map(({ hour }) => hour)),
      plainArray(changes.map(({ bytes }) => String(bytes))),
      plainArray(changes.map(({ byteMs }) => String(byteMs))),
    ],
  );
}

/**
 * Takes what is kept for a name, all of it, for its project. Demands the storage lock, shared, and the project's account.
 *
 * @returns by hour, each as it was booked.
 */
export async function takeUnattributedChanges(
  transaction: Transaction,
  name: string,
): Promise<
  readonly { readonly hourMs: number; readonly bytes: bigint; readonly byteMs: bigint }[]
> {
  const { rows: locked } = await transaction.query<{ hour: Date }>(
    `select hour from unattributed_storage_changes
     where organization = split_part($1, '/', 1) and project = split_part($1, '/', 2) order by hour for update`,
    [name],
  );
  if (locked.length === 0) return [];
  // A statement of its own: it sees what was added before the locks were granted.
  const { rows } = await transaction.query<{ hour: Date; bytes: string; byte_ms: string }>(
    `delete from unattributed_storage_changes
     where organization = split_part($1, '/', 1) and project = split_part($1, '/', 2) and hour = any($2::timestamptz[])
     returning hour, bytes, byte_ms`,
    [name, locked.map(({ hour }) => hour)],
  );
  return rows.map(({ hour, bytes, byte_ms }) => ({
    hourMs: hour.getTime(),
    bytes: BigInt(bytes),
    byteMs: BigInt(byte_ms),
  }));
}
