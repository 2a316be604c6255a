import type { Queryable, Transaction } from '../pool.ts';

/** A declaration as stored; whoever reads it parses it with the domain's schema. */
export interface StoredPosthocMetric {
  readonly name: string;
  readonly declaration: unknown;
}

/** All of them, by name. */
export async function listPosthocMetrics(db: Queryable): Promise<readonly StoredPosthocMetric[]> {
  const { rows } = await db.query<StoredPosthocMetric>(
    'select name, declaration from posthoc_metrics order by name',
  );
  return rows;
}

/** A declaration, and how far it has come. */
export interface PosthocProgress extends StoredPosthocMetric {
  /** End of the newest window of which there is a believed answer; null: there is none. */
  readonly answeredUntil: Date | null;
  /** Windows whose newest answer is not believed. */
  readonly heldWindows: number;
  /** Runs without an answer, or whose events are not all counted. */
  readonly unfinishedRuns: number;
  /** When the one of them was planned that waits for longest. */
  readonly unfinishedSince: Date | null;
  /**
   * From when on no believed answer has had any usage, while one before had, or there never was a byte of logs. Null: the newest
   * has some, or there are logs of which none was ever counted.
   */
  readonly emptySince: Date | null;
  readonly firstWindow: Date;
  readonly declaredAt: Date;
}

/** What was answered while a clock was ahead says nothing: it may be of windows that are yet to come. */
const BELIEVED = `r.state in ('answered', 'shipped', 'done') and r.as_of <= clock_timestamp()`;

/** All of them, by name. */
export async function listPosthocProgress(db: Queryable): Promise<readonly PosthocProgress[]> {
  const { rows } = await db.query<PosthocProgress>(
    `select m.name, m.declaration, m.first_window as "firstWindow", m.declared_at as "declaredAt",
       a.until as "answeredUntil",
       case
         when a.total = 0 then coalesce(
           (select r.window_end from posthoc_runs r where r.metric = m.name and ${BELIEVED} and r.total > 0
            order by r.window_start desc limit 1),
           case when not exists (
             select from posthoc_runs r where r.metric = m.name and ${BELIEVED} and r.scanned_bytes > 0
           ) then m.first_window end
         )
       end as "emptySince",
       h.held as "heldWindows", u.unfinished as "unfinishedRuns", u.since as "unfinishedSince"
     from posthoc_metrics m
     left join lateral (
       select r.window_end as until, r.total from posthoc_runs r where r.metric = m.name and ${BELIEVED}
       order by r.window_start desc, r.revision desc limit 1
     ) a on true
     cross join lateral (
       select count(*)::int as held from posthoc_runs r
       where r.metric = m.name and r.state = 'held' and not exists (
         select from posthoc_runs n
         where n.metric = r.metric and n.window_start = r.window_start and n.revision > r.revision
           and n.state in ('answered', 'shipped', 'done', 'held')
       )
     ) h
     cross join lateral (
       select count(*)::int as unfinished, min(planned_at) as since from posthoc_runs r
       where r.metric = m.name and r.finished_at is null
     ) u
     order by m.name`,
  );
  return rows;
}

export async function findPosthocMetric(
  db: Queryable,
  name: string,
): Promise<StoredPosthocMetric | undefined> {
  const { rows } = await db.query<StoredPosthocMetric>(
    'select name, declaration from posthoc_metrics where name = $1',
    [name],
  );
  return rows[0];
}

/**
 * Creates or replaces a declaration. Its windows begin with the one in which it is declared first, less what it looks back;
 * later declarations leave that as it is, and windows that were asked for the last time stay so.
 */
export async function putPosthocMetric(
  transaction: Transaction,
  metric: {
    readonly name: string;
    readonly declaration: unknown;
    readonly window: 'hour' | 'day';
    readonly lookback: number;
  },
): Promise<void> {
  const { name, declaration, window, lookback } = metric;
  await transaction.query(
    `insert into posthoc_metrics as m (name, declaration, first_window, settled_before)
     select $1, $2, f.at, f.at
     from (select date_trunc($3, now(), 'UTC') - make_interval(hours => $4) as at) f
     on conflict (name) do update set declaration = excluded.declaration, updated_at = now()
     where m.declaration is distinct from excluded.declaration`,
    [name, JSON.stringify(declaration), window, lookback * (window === 'hour' ? 1 : 24)],
  );
}
