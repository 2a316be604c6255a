import { type Gap, recordGap } from '../gaps.ts';
import type { Queryable, Transaction } from '../pool.ts';

/** A reading that has begun, and where. */
export interface BegunPull {
  readonly runId: string;
  /** To be shown when the checkpoint is moved. */
  readonly version: string;
  readonly declaration: unknown;
  readonly checkpoint: string | null;
  readonly caughtUp: boolean;
  readonly readAt: Date | null;
  readonly readUntil: Date | null;
  /** How far into the log it is read, by the times of its items; null: nobody knows. */
  readonly positionAt: Date | null;
  readonly declaredAt: Date;
  /** Of Postgres. */
  readonly now: Date;
}

/** Readings that ended so long ago are of no use to anybody. */
const FORGOTTEN_AFTER = '30 days';

/** No log is left alone for more than an hour; what is later was written by a clock that was ahead. */
const MOST_AHEAD = "interval '61 minutes'";

/**
 * Begins a reading. Two may be under way at once: both find the same events, and one of them moves the checkpoint.
 *
 * @returns undefined when there is no such log, or it wants to be left alone for now.
 */
export async function beginPull(
  transaction: Transaction,
  name: string,
): Promise<BegunPull | undefined> {
  const { rows } = await transaction.query<Omit<BegunPull, 'runId'>>(
    `update pulled_logs set started_at = clock_timestamp()
     where name = $1 and (retry_at is null or retry_at <= clock_timestamp() or retry_at > clock_timestamp() + ${MOST_AHEAD})
     returning version, declaration, checkpoint, caught_up as "caughtUp", read_at as "readAt", read_until as "readUntil",
       position_at as "positionAt", declared_at as "declaredAt", clock_timestamp() as now`,
    [name],
  );
  const [log] = rows;
  if (log === undefined) return undefined;
  // One whose worker was killed would never end; one that is still at it has been overtaken.
  await transaction.query(
    `update pulled_log_runs set state = 'overtaken', finished_at = clock_timestamp() where log = $1 and state = 'started'`,
    [name],
  );
  await transaction.query(
    `delete from pulled_log_runs where log = $1 and started_at < now() - interval '${FORGOTTEN_AFTER}'`,
    [name],
  );
  const inserted = await transaction.query<{ id: string }>(
    'insert into pulled_log_runs (log, checkpoint_from, checkpoint_to) values ($1, $2, $2) returning id',
    [name, log.checkpoint],
  );
  const runId = inserted.rows[0]?.id;
  if (runId === undefined) throw new Error('insert into pulled_log_runs returned no row');
  return { ...log, runId };
}

/**
 * Where a log was read to at an instant: where the last reading stopped that had ended then, or, when none had, where the first
 * one began.
 *
 * @returns undefined when no reading that took a page is remembered; null: where the log itself begins.
 */
export async function checkpointBefore(
  db: Queryable,
  log: string,
  at: Date,
): Promise<string | null | undefined> {
  const { rows } = await db.query<{ checkpoint: string | null }>(
    `select case when finished_at <= $2 then coalesce(checkpoint_to, checkpoint_from) else checkpoint_from end as checkpoint
     from pulled_log_runs where log = $1 and pages > 0 and finished_at is not null
     order by finished_at <= $2 desc, case when finished_at <= $2 then id else -id end desc limit 1`,
    [log, at],
  );
  return rows[0]?.checkpoint;
}

/** A page whose events are in the queue, on Redis' disk. */
export interface ReadPage {
  readonly log: string;
  readonly runId: string;
  readonly version: string;
  /** After what the page was asked for; null: where the log itself begins. */
  readonly from: string | null;
  /** After the page; null: it names none. */
  readonly checkpoint: string | null;
  readonly isEnd: boolean;
  readonly askedAt: Date;
  /** How far into the log it goes; null: it does not say. */
  readonly position: Date | null;
  readonly items: number;
  readonly events: number;
  readonly ignored: number;
  readonly refused: number;
  /** What is known to be missing before it. */
  readonly gap: Gap | undefined;
}

/**
 * Moves the checkpoint past a page. Only who has seen the version that is stored can: nobody who comes late, or reads the same
 * beside, moves it back.
 *
 * @returns the version now; undefined when somebody else has moved it.
 */
export async function movePastPage(
  transaction: Transaction,
  page: ReadPage,
): Promise<string | undefined> {
  const { rows } = await transaction.query<{ version: string; checkpoint: string | null }>(
    `update pulled_logs
     set version = version + 1, checkpoint = $3, caught_up = $4, read_at = $5,
       read_until = case when $4 then $5 else read_until end, position_at = coalesce($6, position_at), failures = 0, failure = null, detail = null, retry_at = null
     where name = $1 and version = $2
     returning version, checkpoint`,
    [page.log, page.version, page.checkpoint ?? page.from, page.isEnd, page.askedAt, page.position],
  );
  const [moved] = rows;
  if (moved === undefined) return undefined;
  await transaction.query(
    `update pulled_log_runs
     set checkpoint_from = case when pages = 0 then $7 else checkpoint_from end, checkpoint_to = $2, pages = pages + 1, items = items + $3, events = events + $4, ignored = ignored + $5,
       refused = refused + $6
     where id = $1`,
    [page.runId, moved.checkpoint, page.items, page.events, page.ignored, page.refused, page.from],
  );
  if (page.gap !== undefined) await recordGap(transaction, page.gap);
  return moved.version;
}

/** Has the next reading begin at another checkpoint: what is read again counts once. */
export async function rewindPull(
  transaction: Transaction,
  name: string,
  checkpoint: string,
): Promise<void> {
  await transaction.query(
    'update pulled_logs set checkpoint = $2, version = version + 1, caught_up = false, position_at = null where name = $1',
    [name, checkpoint],
  );
}

/** How a reading ended. */
export type PullEnd =
  | { readonly state: 'done' | 'overtaken' }
  /** When the log may be asked again. */
  | { readonly state: 'throttled'; readonly delayMs: number; readonly detail: string }
  | { readonly state: 'failed'; readonly failure: string; readonly detail: string };

/** It is shown to people, and is somebody else's text in part. */
const MAX_DETAIL_LENGTH = 2_000;

/** Ends a reading. A failure is the log's only while nobody else has read on. */
export async function endPull(
  transaction: Transaction,
  pull: { readonly log: string; readonly runId: string; readonly version: string },
  end: PullEnd,
): Promise<void> {
  const failure = end.state === 'failed' ? end.failure : null;
  const detail = 'detail' in end ? end.detail.slice(0, MAX_DETAIL_LENGTH) : null;
  await transaction.query(
    `update pulled_log_runs set state = $2, failure = $3, detail = $4, finished_at = clock_timestamp()
     where id = $1 and state = 'started'`,
    [pull.runId, end.state, failure, detail],
  );
  if (end.state === 'failed') {
    await transaction.query(
      'update pulled_logs set failures = failures + 1, failure = $3, detail = $4 where name = $1 and version = $2',
      [pull.log, pull.version, failure, detail],
    );
  }
  if (end.state === 'throttled') {
    await transaction.query(
      `update pulled_logs set retry_at = clock_timestamp() + $2 * interval '1 millisecond' where name = $1`,
      [pull.log, end.delayMs],
    );
  }
}

/** A reading as people see it. */
export interface ListedPull {
  readonly id: string;
  readonly log: string;
  readonly state: 'started' | PullEnd['state'];
  readonly checkpointFrom: string | null;
  readonly checkpointTo: string | null;
  readonly pages: number;
  readonly items: string;
  readonly events: string;
  readonly ignored: string;
  readonly refused: string;
  readonly failure: string | null;
  readonly detail: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}

/** The newest first. */
export async function listPulls(
  db: Queryable,
  filter: { readonly log?: string | undefined; readonly limit: number },
): Promise<readonly ListedPull[]> {
  const { rows } = await db.query<ListedPull>(
    `select id, log, state, checkpoint_from as "checkpointFrom", checkpoint_to as "checkpointTo", pages, items, events,
       ignored, refused, failure, detail, started_at as "startedAt", finished_at as "finishedAt"
     from pulled_log_runs where ($1::text is null or log = $1)
     order by id desc limit $2`,
    [filter.log ?? null, filter.limit],
  );
  return rows;
}
