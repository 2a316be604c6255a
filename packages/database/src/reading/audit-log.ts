import type { Queryable } from '../pool.ts';

export interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Subjects of these actions begin with the organization's slug; those of others (a key, a meter) only look like it. */
const OF_ORGANIZATIONS = '^(organization|project|device|period|limit)\\.';

/** What administrators did, the newest first. */
export async function listAuditLog(
  db: Queryable,
  page: {
    /** The only organization that may be seen; null: all. */
    readonly organization: string | null;
    /** Id of the last one of the page before. */
    readonly after: string | undefined;
    readonly limit: number;
  },
): Promise<readonly AuditRow[]> {
  const { rows } = await db.query<AuditRow>(
    `select id, at, actor, action, subject, detail
     from audit_log
     where ($1::text is null
         or (action ~ '${OF_ORGANIZATIONS}' and (subject = $1 or starts_with(subject, $1 || '/'))))
       and ($2::bigint is null or id < $2)
     order by id desc
     limit $3`,
    [page.organization, page.after ?? null, page.limit],
  );
  return rows;
}
