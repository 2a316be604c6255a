import type { Transaction } from '../pool.ts';
import type { PosthocRun } from './posthoc-runs.ts';

/** A row of an answer, its value as decimal text. */
export interface AnswerRow {
  readonly rowKey: string;
  readonly organization: string;
  readonly project: string;
  readonly dimensions: Readonly<Record<string, string | null>>;
  readonly value: string;
}

export interface WholeAnswer {
  /** Each key once. */
  readonly rows: readonly AnswerRow[];
  readonly asOf: Date;
  readonly unmatchedLines: bigint;
  readonly scannedBytes: bigint;
  /** Absent when the engine does not say. */
  readonly logFiles?: number;
  /** There were too many rows, and those of projects that nobody had registered then are not among these. */
  readonly registeredAt?: Date | undefined;
  /** What people should know of it; may be empty. */
  readonly remark?: string;
}

export type Belief =
  | {
      readonly state: 'answered' | 'done';
      readonly events: number;
      /** There was no believed answer of this window before. */
      readonly isFirst: boolean;
      /** Of the events, how many say that there is more, or less, than before. */
      readonly more: number;
      readonly less: number;
    }
  | { readonly state: 'held'; readonly before: string; readonly total: string }
  | { readonly state: 'superseded' }
  /** Somebody else has answered this attempt, or started another. */
  | { readonly state: 'lost' };

/**
 * Believes an answer: stores what it changed against the last believed answer of its window, which is what will be shipped.
 *
 * All runs of the window are locked first, and what was believed is read by a later statement: of two revisions that are
 * answered at once, the second takes its difference from the first. What was believed counts from this moment on, shipped or
 * not, since nothing can keep it from being shipped.
 */
export async function believeAnswer(
  transaction: Transaction,
  run: Pick<PosthocRun, 'id' | 'attempt' | 'metric' | 'windowStart' | 'revision' | 'acceptFall'>,
  read: WholeAnswer,
  maxFallPercent: number,
): Promise<Belief> {
  const { rows: runs } = await transaction.query<{
    id: string;
    revision: number;
    state: string;
    attempt: number;
  }>(
    `select id, revision, state, attempt from posthoc_runs where metric = $1 and window_start = $2
     order by revision for update`,
    [run.metric, run.windowStart],
  );
  const ours = runs.find(({ id }) => id === run.id);
  if (ours?.state !== 'started' || ours.attempt !== run.attempt) return { state: 'lost' };
  const isBelieved = (state: string) => ['answered', 'shipped', 'done'].includes(state);
  if (runs.some(({ revision, state }) => revision > run.revision && isBelieved(state))) {
    await end(transaction, run.id, 'superseded', read, null);
    return { state: 'superseded' };
  }
  const { registeredAt } = read;
  const answer =
    registeredAt === undefined
      ? read
      : { ...read, rows: [...read.rows, ...(await rowsLeftOut(transaction, run, registeredAt))] };
  if (!run.acceptFall) {
    const fall = await findFall(transaction, run, answer, maxFallPercent);
    if (fall !== undefined) {
      await end(
        transaction,
        run.id,
        'held',
        answer,
        `it fell from ${fall.before} to ${fall.total}`,
      );
      return { state: 'held', ...fall };
    }
  }
  const { rows: stored } = await transaction.query<{
    events: string;
    difference: string;
    more: number;
  }>(
    `with before as (${BELIEVED}),
     answer as (${ANSWER}),
     changed as (
       insert into posthoc_answers (run_id, row_key, organization, project, dimensions, value, difference)
       select $3, row_key, coalesce(a.organization, b.organization), coalesce(a.project, b.project),
         coalesce(a.dimensions, b.dimensions), coalesce(a.value, 0), coalesce(a.value, 0) - coalesce(b.value, 0)
       from before b full join answer a using (row_key)
       where coalesce(a.value, 0) <> coalesce(b.value, 0)
       returning difference
     )
     select count(*) as events, coalesce(sum(difference), 0)::text as difference,
       count(*) filter (where difference > 0)::int as more
     from changed`,
    [run.metric, run.windowStart, run.id, ...columnsOf(answer)],
  );
  const { events, difference, more } = stored[0] ?? { events: '0', difference: '0', more: 0 };
  // Nothing has changed, so there is nothing to ship.
  const state = events === '0' ? 'done' : 'answered';
  await end(transaction, run.id, state, answer, null, { events, difference });
  const isFirst = !runs.some(({ state: before }) => isBelieved(before));
  return { state, events: Number(events), isFirst, more, less: Number(events) - more };
}

/** What was believed of a window ($1, $2): of each key the newest row. */
const BELIEVED = `select distinct on (a.row_key) a.row_key, a.organization, a.project, a.dimensions, a.value
  from posthoc_runs r join posthoc_answers a on a.run_id = r.id
  where r.metric = $1 and r.window_start = $2 and r.state in ('answered', 'shipped', 'done')
  order by a.row_key, r.revision desc`;

const ANSWER = `select row_key, organization, project, dimensions, value
  from unnest($4::uuid[], $5::text[], $6::text[], $7::jsonb[], $8::numeric[])
    as t (row_key, organization, project, dimensions, value)`;

/**
 * What is believed of rows that an answer leaves out although there is usage: of projects that were not registered at that instant.
 * That they are not in it says nothing, and so they stay as they are, until an answer fits. None of them is in the answer, which
 * was read by the same instant: what stays would else be counted a second time.
 */
async function rowsLeftOut(
  transaction: Transaction,
  run: Pick<PosthocRun, 'metric' | 'windowStart'>,
  registeredAt: Date,
): Promise<readonly AnswerRow[]> {
  const { rows } = await transaction.query<AnswerRow>(
    `select b.row_key as "rowKey", b.organization, b.project, b.dimensions, trim_scale(b.value)::text as value
     from (${BELIEVED}) b
     where b.value <> 0
       and not exists (
         select from organizations o join projects p on p.organization_id = o.id
         where o.slug = b.organization and p.slug = b.project and p.created_at <= $3
       )`,
    [run.metric, run.windowStart, registeredAt],
  );
  return rows;
}

function columnsOf({ rows }: WholeAnswer): readonly unknown[] {
  return [
    rows.map(({ rowKey }) => rowKey),
    rows.map(({ organization }) => organization),
    rows.map(({ project }) => project),
    rows.map(({ dimensions }) => JSON.stringify(dimensions)),
    rows.map(({ value }) => value),
  ];
}

async function findFall(
  transaction: Transaction,
  run: Pick<PosthocRun, 'metric' | 'windowStart'>,
  { rows: answered }: WholeAnswer,
  maxFallPercent: number,
): Promise<{ readonly before: string; readonly total: string } | undefined> {
  const { rows } = await transaction.query<{ before: string; total: string; fell: boolean }>(
    `select trim_scale(before)::text as before, trim_scale(total)::text as total, total * 100 < before * (100 - $4::numeric) as fell
     from (select coalesce(sum(value), 0) as before from (${BELIEVED}) b) x,
       (select coalesce(sum(v), 0) as total from unnest($3::numeric[]) v) y`,
    [run.metric, run.windowStart, answered.map(({ value }) => value), maxFallPercent],
  );
  const [found] = rows;
  return found?.fell ? { before: found.before, total: found.total } : undefined;
}

async function end(
  transaction: Transaction,
  id: string,
  state: 'answered' | 'done' | 'held' | 'superseded',
  { rows, asOf, unmatchedLines, scannedBytes, logFiles, remark = '' }: WholeAnswer,
  detail: string | null,
  changed: { readonly events: string; readonly difference: string } | null = null,
): Promise<void> {
  await transaction.query(
    `update posthoc_runs
     set state = $2, as_of = $3, answer_rows = $4, unmatched_lines = $5, scanned_bytes = $6,
       total = (select coalesce(sum(v), 0) from unnest($7::numeric[]) v), events = $8, difference = $9, detail = $10, log_files = $11,
       finished_at = case when $2 <> 'answered' then clock_timestamp() end
     where id = $1`,
    [
      id,
      state,
      asOf,
      rows.length,
      unmatchedLines.toString(),
      scannedBytes.toString(),
      rows.map(({ value }) => value),
      changed?.events ?? 0,
      changed?.difference ?? 0,
      [detail, remark].filter((text) => text !== null && text !== '').join('. ') || null,
      logFiles ?? null,
    ],
  );
}
