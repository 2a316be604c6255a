import type { Queryable } from '../pool.ts';

export interface DeadLetterRow {
  readonly id: string;
  readonly queue: string;
  readonly jobId: string;
  readonly jobName: string;
  /** Null when it tells of other organizations, too. */
  readonly reason: string | null;
  readonly items: number | null;
  readonly attempts: number;
  readonly failedAt: Date;
  readonly retriedAt: Date | null;
}

/**
 * Jobs that failed for good, the newest first, without their payloads.
 *
 * @param page.organization the only one whose usage they may be seen for; null: all. A batch of several organizations is
 *   shown to each of them, but not what it says of the others.
 */
export async function listDeadLetterPage(
  db: Queryable,
  page: {
    readonly organization: string | null;
    /** Id of the last one of the page before. */
    readonly after: string | undefined;
    readonly limit: number;
  },
): Promise<readonly DeadLetterRow[]> {
  const { rows } = await db.query<DeadLetterRow>(
    `select l.id, l.queue, l.job_id as "jobId", l.job_name as "jobName", l.attempts,
       case when $1::text is null or l.organizations = array[$1::text] then l.reason end as reason,
       case when $1::text is null or l.organizations = array[$1::text] then l.items end as items,
       l.failed_at as "failedAt", l.retried_at as "retriedAt"
     from dead_letters l
     where ($1::text is null or $1 = any(l.organizations)) and ($2::bigint is null or l.id < $2)
     order by l.id desc
     limit $3`,
    [page.organization, page.after ?? null, page.limit],
  );
  return rows;
}

/** Whether a letter holds usage of this organization and of no other. */
export async function belongsToAlone(
  db: Queryable,
  id: string,
  organization: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'select from dead_letters where id = $1 and organizations = array[$2::text]',
    [id, organization],
  );
  return rowCount === 1;
}
