import type { Queryable } from './pool.ts';

export interface AuditEntry {
  /** Who did it: `cli:<user>` or `key:<id>`. */
  readonly actor: string;
  /** What was done, as `noun.verb`: `api_key.create`. */
  readonly action: string;
  /** To what. */
  readonly subject: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Records what an administrator did; call it in the transaction that does it. */
export async function recordAudit(db: Queryable, entry: AuditEntry): Promise<void> {
  await db.query('insert into audit_log (actor, action, subject, detail) values ($1, $2, $3, $4)', [
    entry.actor,
    entry.action,
    entry.subject,
    JSON.stringify(entry.detail ?? {}),
  ]);
}
