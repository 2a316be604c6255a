import type { Queryable } from '../pool.ts';

/**
 * A run asks for one window once.
 *
 *   planned ──▶ started ──▶ answered ──▶ shipped ──▶ done
 *      ▲           ├──▶ failed (is started again when its time has come)
 *      │           ├──▶ started, as another attempt (its worker is gone)
 *      │           ├──▶ held (the answer fell too far; nothing is shipped)
 *      │           └──▶ superseded (a later revision was answered, or planned, first)
 *
 * Every arrow is one transaction that demands the state it starts from, so that whoever repeats a step, or comes too late,
 * changes nothing. What is shipped is fixed by `answered`: from then on only its delivery is repeated.
 */
export const RUN_STATES = [
  'planned',
  'started',
  'answered',
  'shipped',
  'done',
  'failed',
  'held',
  'superseded',
] as const;
export type RunState = (typeof RUN_STATES)[number];

export interface PosthocRun {
  readonly id: string;
  readonly metric: string;
  readonly windowStart: Date;
  readonly windowEnd: Date;
  readonly revision: number;
  readonly acceptFall: boolean;
  /** By somebody, and not by the clock. */
  readonly isAsked: boolean;
  readonly state: RunState;
  readonly attempt: number;
  readonly executionId: string | null;
  /** Of what that query was made of. */
  readonly queryDigest: string | null;
  /** When the attempt began. */
  readonly startedAt: Date | null;
  /** How long ago that is, by the clock of Postgres. */
  readonly runningMs: number | null;
  /** When the query was asked whose answer it has; null: it has none. */
  readonly asOf: Date | null;
  /** How long ago that is, by the clock of Postgres. */
  readonly asOfMs: number | null;
  readonly shipments: number;
  /** How long ago it was shipped last, by the clock of Postgres; null: it was not. */
  readonly shippedMs: number | null;
}

export async function findRun(db: Queryable, id: string): Promise<PosthocRun | undefined> {
  const { rows } = await db.query<PosthocRun>(
    `select id, metric, window_start as "windowStart", window_end as "windowEnd", revision, accept_fall as "acceptFall",
       due_after is null as "isAsked", state, attempt, execution_id as "executionId", query_digest as "queryDigest", started_at as "startedAt",
       (extract(epoch from clock_timestamp() - started_at) * 1000)::float8 as "runningMs", as_of as "asOf",
       (extract(epoch from clock_timestamp() - as_of) * 1000)::float8 as "asOfMs", shipments,
       (extract(epoch from clock_timestamp() - shipped_at) * 1000)::float8 as "shippedMs"
     from posthoc_runs where id = $1`,
    [id],
  );
  return rows[0];
}

/**
 * Starts a run, or starts one again that failed. The token is stored before anything is asked with it: whoever goes on asks
 * with the same, and an engine that knows it already asks nothing twice.
 *
 * @returns the attempt; undefined when somebody else has started it, or it is of no use any more.
 */
export async function startRun(
  db: Queryable,
  { id, attempt }: Pick<PosthocRun, 'id' | 'attempt'>,
  requestToken: string,
): Promise<number | undefined> {
  const { rows } = await db.query<{ attempt: number }>(
    `update posthoc_runs
     set state = 'started', attempt = attempt + 1, request_token = $3, execution_id = null, query_digest = null, started_at = clock_timestamp(),
       retry_at = null, failure = null, detail = null
     where id = $1 and attempt = $2 and state in ('planned', 'failed')
     returning attempt`,
    [id, attempt, requestToken],
  );
  return rows[0]?.attempt;
}

/** Begins a started run anew, as another attempt: whoever is still at the one before will find that nobody wants its answer. */
export async function beginAgain(
  db: Queryable,
  { id, attempt }: Pick<PosthocRun, 'id' | 'attempt'>,
  requestToken: string,
): Promise<void> {
  await db.query(
    `update posthoc_runs set attempt = attempt + 1, request_token = $3, started_at = clock_timestamp()
     where id = $1 and attempt = $2 and state = 'started'`,
    [id, attempt, requestToken],
  );
}

/** Stores what an engine calls the query, and a digest of what it was made of. */
export async function storeExecution(
  db: Queryable,
  { id, attempt }: Pick<PosthocRun, 'id' | 'attempt'>,
  executionId: string,
  queryDigest: string,
): Promise<void> {
  await db.query(
    `update posthoc_runs set execution_id = $3, query_digest = $4 where id = $1 and attempt = $2 and state = 'started'`,
    [id, attempt, executionId, queryDigest],
  );
}

/** How many queries run elsewhere now, as far as we know. */
export async function countExecutions(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int as count from posthoc_runs
     where finished_at is null and state = 'started' and execution_id is not null`,
  );
  return rows[0]?.count ?? 0;
}

export const LONGEST_RETRY = "interval '3 hours'";
/** Between attempts at a window: as often as the bell rings, then rarer, for what is wrong may be so for days. */
const RETRY = `least(interval '10 minutes' * power(2, least(attempt, 10) - 1), ${LONGEST_RETRY})`;

/** @returns whether this attempt was still the run's. */
export async function failRun(
  db: Queryable,
  { id, attempt }: Pick<PosthocRun, 'id' | 'attempt'>,
  failure: string,
  detail: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update posthoc_runs
     set state = 'failed', retry_at = clock_timestamp() + ${RETRY}, failure = $3, detail = $4
     where id = $1 and attempt = $2 and state = 'started'`,
    [id, attempt, failure, detail.slice(0, 2_000)],
  );
  return rowCount === 1;
}

/** All its events are in the queue, on Redis' disk. */
export async function markShipped(db: Queryable, id: string): Promise<void> {
  await db.query(
    `update posthoc_runs set state = 'shipped', shipments = shipments + 1, shipped_at = clock_timestamp()
     where id = $1 and state in ('answered', 'shipped')`,
    [id],
  );
}

const EXPIRED = 'not counted: ';

/** Notes what of a run is shipped no more, for people, until it is counted all the same. @returns false when it says so already. */
export async function noteExpired(db: Queryable, id: string, detail: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update posthoc_runs set detail = $2
     where id = $1 and state in ('answered', 'shipped') and detail is distinct from $2`,
    [id, `${EXPIRED}${detail}`],
  );
  return rowCount === 1;
}

/** All its events are counted. @returns false when somebody has noted that already. */
export async function finishRun(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update posthoc_runs
     set state = 'done', finished_at = clock_timestamp(), detail = case when not starts_with(detail, $2) then detail end
     where id = $1 and state = 'shipped'`,
    [id, EXPIRED],
  );
  return rowCount === 1;
}

/** A run as people see it; quantities as decimal text. */
export interface ListedRun {
  readonly id: string;
  readonly metric: string;
  readonly windowStart: Date;
  readonly windowEnd: Date;
  readonly revision: number;
  readonly state: RunState;
  readonly attempt: number;
  readonly asOf: Date | null;
  readonly rows: string | null;
  readonly unmatchedLines: string | null;
  readonly scannedBytes: string | null;
  /** Files of logs that were read; null: the engine does not say. */
  readonly logFiles: number | null;
  readonly total: string | null;
  readonly events: string | null;
  readonly difference: string | null;
  readonly failure: string | null;
  readonly detail: string | null;
  readonly plannedAt: Date;
  readonly finishedAt: Date | null;
}

const LISTED = `select id, metric, window_start as "windowStart", window_end as "windowEnd", revision, state, attempt,
  as_of as "asOf", answer_rows as rows, unmatched_lines as "unmatchedLines", scanned_bytes as "scannedBytes", log_files as "logFiles",
  trim_scale(total)::text as total, events, trim_scale(difference)::text as difference, failure, detail,
  planned_at as "plannedAt", finished_at as "finishedAt"
  from posthoc_runs`;

/** The newest windows first, and of each the newest revision. */
export async function listRuns(
  db: Queryable,
  filter: {
    readonly metric?: string | undefined;
    readonly state?: RunState | undefined;
    readonly id?: string | undefined;
    readonly limit: number;
  },
): Promise<readonly ListedRun[]> {
  const { rows } = await db.query<ListedRun>(
    `${LISTED}
     where ($1::text is null or metric = $1) and ($2::text is null or state = $2) and ($3::bigint is null or id = $3)
     order by window_start desc, metric, revision desc limit $4`,
    [filter.metric ?? null, filter.state ?? null, filter.id ?? null, filter.limit],
  );
  return rows;
}

/** Those that were planned last first: the order in which none comes between two pages. */
export async function listRunPage(
  db: Queryable,
  page: {
    readonly metric: string | undefined;
    readonly state: RunState | undefined;
    /** Id of the last one of the page before. */
    readonly after: string | undefined;
    readonly limit: number;
  },
): Promise<readonly ListedRun[]> {
  const { rows } = await db.query<ListedRun>(
    `${LISTED}
     where ($1::text is null or metric = $1) and ($2::text is null or state = $2) and ($3::bigint is null or id < $3)
     order by id desc limit $4`,
    [page.metric ?? null, page.state ?? null, page.after ?? null, page.limit],
  );
  return rows;
}
