import type { Queryable, Transaction } from './pool.ts';

export interface DeadLetter {
  readonly queue: string;
  readonly jobId: string;
  readonly jobName: string;
  /** The job's payload as JSON text. */
  readonly payload: string;
  readonly reason: string;
  readonly attempts: number;
  /** The batch it carried; null for a job that carries none. */
  readonly epoch: string | null;
  readonly seq: number | null;
  readonly items: number;
  /** Slugs of those whose usage it carries; null when nobody can tell. */
  readonly organizations: readonly string[] | null;
  /** When the usage was accepted; null when nobody can tell. */
  readonly acceptedAtMs: number | null;
  readonly failedAtMs: number;
}

/**
 * Keeps a job that failed for good. Storing it again changes the reason and nothing else, so a sweep that was killed
 * between storing and removing the job may simply run again.
 */
export async function storeDeadLetter(db: Queryable, letter: DeadLetter): Promise<void> {
  await db.query(
    `insert into dead_letters (queue, job_id, job_name, payload, reason, attempts, epoch, seq, items, failed_at,
       organizations, accepted_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, to_timestamp($10::numeric / 1000), $11,
       to_timestamp($12::numeric / 1000))
     on conflict (queue, job_id) do update
     set reason = excluded.reason, attempts = excluded.attempts, failed_at = excluded.failed_at, retried_at = null`,
    [
      letter.queue,
      letter.jobId,
      letter.jobName,
      letter.payload,
      letter.reason,
      letter.attempts,
      letter.epoch,
      letter.seq,
      letter.items,
      letter.failedAtMs,
      letter.organizations,
      letter.acceptedAtMs,
    ],
  );
}

export interface StoredDeadLetter {
  readonly id: string;
  readonly queue: string;
  readonly jobId: string;
  readonly jobName: string;
  readonly payload: string;
  readonly reason: string;
  readonly attempts: number;
  readonly epoch: string | null;
  readonly seq: string | null;
  readonly items: number;
  readonly failedAt: Date;
  readonly retriedAt: Date | null;
}

const COLUMNS = `id, queue, job_id as "jobId", job_name as "jobName", payload, reason, attempts, epoch, seq, items,
  failed_at as "failedAt", retried_at as "retriedAt"`;

/** The newest first. */
export async function listDeadLetters(
  db: Queryable,
  limit: number,
): Promise<readonly StoredDeadLetter[]> {
  const { rows } = await db.query<StoredDeadLetter>(
    `select ${COLUMNS} from dead_letters order by failed_at desc, id desc limit $1`,
    [limit],
  );
  return rows;
}

/** One letter, or undefined. */
export async function findDeadLetter(
  db: Queryable,
  id: string,
): Promise<StoredDeadLetter | undefined> {
  const { rows } = await db.query<StoredDeadLetter>(
    `select ${COLUMNS} from dead_letters where id = $1`,
    [id],
  );
  return rows[0];
}

/** Why a job failed for good; undefined when it has not. */
export async function findFailure(
  db: Queryable,
  queue: string,
  jobId: string,
): Promise<string | undefined> {
  const { rows } = await db.query<{ reason: string }>(
    'select reason from dead_letters where queue = $1 and job_id = $2 and retried_at is null',
    [queue, jobId],
  );
  return rows[0]?.reason;
}

/** Notes that a letter's job is back in its queue. If it fails again, storing it takes the note back. */
export async function markDeadLetterRetried(db: Queryable, id: string): Promise<void> {
  await db.query('update dead_letters set retried_at = now() where id = $1', [id]);
}

/**
 * Takes a letter out, because what it held is counted now.
 *
 * @returns false when it is not there: somebody else has taken it, and counted it.
 */
export async function takeDeadLetter(
  transaction: Transaction,
  queue: string,
  jobId: string,
): Promise<boolean> {
  const { rowCount } = await transaction.query(
    'delete from dead_letters where queue = $1 and job_id = $2',
    [queue, jobId],
  );
  return rowCount === 1;
}

export interface HeldUsage {
  /** Slugs; null: anybody's. */
  readonly organizations: readonly string[] | null;
  readonly letters: number;
}

/**
 * Dead letters that hold usage accepted before an instant and not applied since. One of which nobody can tell when it was
 * accepted is as old as its failure.
 */
export async function unresolvedBefore(db: Queryable, at: string): Promise<readonly HeldUsage[]> {
  const { rows } = await db.query<HeldUsage>(
    `select d.organizations, count(*)::int as letters
     from dead_letters d
     where coalesce(d.accepted_at, d.failed_at) < $1 and (d.organizations is null or d.organizations <> '{}')
       -- A batch that was retried with success keeps its letter; one beyond its epoch's seal is counted by the successor.
       and (d.job_name = 'event' or d.epoch is null or not (
         exists (select from applied_batches b where b.epoch = d.epoch and b.seq = d.seq)
         or exists (select from source_epochs e where e.epoch = d.epoch
           and (e.applied_through >= d.seq or e.sealed_seq < d.seq))
       ))
     group by 1`,
    [at],
  );
  return rows;
}
