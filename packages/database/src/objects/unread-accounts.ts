import { plainArray } from '../array-parameter.ts';
import type { Transaction } from '../pool.ts';
import { postgresNowMs } from '../trusted-now.ts';

/** What is stored for a project, all in decimal text; null where there is none of the kind. */
export interface StoredLevels {
  readonly projectId: string;
  readonly organizationId: string;
  readonly s3Bytes: string | null;
  readonly s3Objects: string | null;
  /** Of type `log`. */
  readonly logBytes: string | null;
  readonly registryBytes: string | null;
  readonly images: string | null;
}

/** Locks accounts whose gauges are to be read. Those that somebody is changing or reading are left to the next time. */
export async function lockUnreadAccounts(
  transaction: Transaction,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await transaction.query<{ project_id: string }>(
    `select project_id from storage_accounts where unread order by project_id limit $1
     for no key update skip locked`,
    [limit],
  );
  return rows.map(({ project_id }) => project_id);
}

/** The levels of locked accounts, and the instant at which they were so by the database's clock. */
export async function readLevels(
  transaction: Transaction,
  projectIds: readonly string[],
): Promise<{ readonly atMs: number; readonly levels: readonly StoredLevels[] }> {
  // One clock for all workers, or an older reading of one whose clock is fast would stay the last.
  const atMs = await postgresNowMs(transaction);
  const { rows } = await transaction.query<StoredLevels>(
    `select a.project_id as "projectId", a.organization_id as "organizationId", s.bytes as "s3Bytes",
       s.objects as "s3Objects", s.log_bytes as "logBytes", r.bytes as "registryBytes", r.images
     from storage_accounts a
     cross join lateral (
       select sum(l.bytes)::text as bytes, sum(l.objects)::text as objects,
         (sum(l.bytes) filter (where l.metered_object_type = 'log'))::text as log_bytes
       from storage_levels l where l.project_id = a.project_id
     ) s
     cross join lateral (
       select sum(r.bytes)::text as bytes, sum(r.images)::text as images
       from registry_levels r where r.project_id = a.project_id
     ) r
     where a.project_id = any($1::bigint[])
     order by 1`,
    [plainArray(projectIds)],
  );
  return { atMs, levels: rows };
}

/** Notes that accounts are read. Demands their locks. */
export async function markRead(
  transaction: Transaction,
  projectIds: readonly string[],
): Promise<void> {
  await transaction.query(
    'update storage_accounts set unread = false where project_id = any($1::bigint[])',
    [plainArray(projectIds)],
  );
}
