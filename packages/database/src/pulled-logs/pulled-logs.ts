import type { Queryable } from '../pool.ts';

/** A declared log, and how far it is read. */
export interface StoredPulledLog {
  readonly name: string;
  /** Whoever reads it parses it with the domain's schema. */
  readonly declaration: unknown;
  readonly checkpoint: string | null;
  /** Whether the last page that was read was the log's end. */
  readonly caughtUp: boolean;
  readonly readAt: Date | null;
  /** All that the log had then is in the events queue. */
  readonly readUntil: Date | null;
  readonly startedAt: Date | null;
  readonly retryAt: Date | null;
  /** Readings in a row that have failed. */
  readonly failures: number;
  readonly failure: string | null;
  readonly detail: string | null;
  readonly declaredAt: Date;
}

const COLUMNS = `name, declaration, checkpoint, caught_up as "caughtUp", read_at as "readAt", read_until as "readUntil",
  started_at as "startedAt", retry_at as "retryAt", failures, failure, detail, declared_at as "declaredAt"`;

/** All of them, by name. */
export async function listPulledLogs(db: Queryable): Promise<readonly StoredPulledLog[]> {
  const { rows } = await db.query<StoredPulledLog>(
    `select ${COLUMNS} from pulled_logs order by name`,
  );
  return rows;
}

export async function findPulledLog(
  db: Queryable,
  name: string,
): Promise<StoredPulledLog | undefined> {
  const { rows } = await db.query<StoredPulledLog>(
    `select ${COLUMNS} from pulled_logs where name = $1`,
    [name],
  );
  return rows[0];
}

/** Creates or replaces a declaration. How far it is read stays. */
export async function putPulledLog(
  db: Queryable,
  name: string,
  declaration: unknown,
): Promise<void> {
  await db.query(
    `insert into pulled_logs as l (name, declaration) values ($1, $2)
     on conflict (name) do update set declaration = excluded.declaration, updated_at = now()
     where l.declaration is distinct from excluded.declaration`,
    [name, JSON.stringify(declaration)],
  );
}
