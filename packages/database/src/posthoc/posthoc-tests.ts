import type { Queryable } from '../pool.ts';

/** A window of which somebody wants to see the answer. */
export interface PosthocTest {
  readonly id: string;
  readonly metric: string;
  readonly windowStart: Date;
  readonly windowEnd: Date;
  readonly askedAt: Date;
  /** How long ago that is, by the clock of Postgres. */
  readonly runningMs: number;
  readonly executionId: string | null;
  /** As whoever ran it stored it; null while there is none. */
  readonly answer: unknown;
  /** What went wrong; null: nothing. */
  readonly failure: string | null;
}

/** Asks for an answer. */
export async function askTest(
  db: Queryable,
  test: Pick<PosthocTest, 'id' | 'metric' | 'windowStart' | 'windowEnd'>,
): Promise<void> {
  await db.query(
    `insert into posthoc_tests (id, metric, window_start, window_end) values ($1, $2, $3, $4)`,
    [test.id, test.metric, test.windowStart, test.windowEnd],
  );
}

export async function findTest(db: Queryable, id: string): Promise<PosthocTest | undefined> {
  const { rows } = await db.query<PosthocTest>(
    `select id, metric, window_start as "windowStart", window_end as "windowEnd", asked_at as "askedAt",
       (extract(epoch from clock_timestamp() - asked_at) * 1000)::float8 as "runningMs", execution_id as "executionId", answer, failure
     from posthoc_tests where id = $1`,
    [id],
  );
  return rows[0];
}

/** Notes that a query begins in this process, which may be ended by it. @returns how often it has begun. */
export async function beginTest(db: Queryable, id: string): Promise<number> {
  const { rows } = await db.query<{ attempt: number }>(
    'update posthoc_tests set attempt = attempt + 1 where id = $1 returning attempt',
    [id],
  );
  return rows[0]?.attempt ?? 0;
}

/** Stores what an engine calls the query. */
export async function storeTestExecution(
  db: Queryable,
  id: string,
  executionId: string,
): Promise<void> {
  await db.query('update posthoc_tests set execution_id = $2 where id = $1', [id, executionId]);
}

export async function answerTest(
  db: Queryable,
  id: string,
  outcome: { readonly answer: unknown } | { readonly failure: string },
): Promise<void> {
  await db.query('update posthoc_tests set answer = $2, failure = $3 where id = $1', [
    id,
    'answer' in outcome ? JSON.stringify(outcome.answer) : null,
    'failure' in outcome ? outcome.failure : null,
  ]);
}
