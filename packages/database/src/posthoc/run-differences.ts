import type { Queryable } from '../pool.ts';

/** What a run has to ship of one key; quantities as decimal text. */
export interface RunDifference {
  readonly rowKey: string;
  readonly organization: string;
  readonly project: string;
  readonly dimensions: Readonly<Record<string, string | null>>;
  readonly difference: string;
}

/** All that a run has to ship, in one order. */
export async function runDifferences(
  db: Queryable,
  runId: string,
): Promise<readonly RunDifference[]> {
  const { rows } = await db.query<RunDifference>(
    `select row_key as "rowKey", organization, project, dimensions, trim_scale(difference)::text as difference
     from posthoc_answers where run_id = $1 order by row_key`,
    [runId],
  );
  return rows;
}

/** Those of the keys under which no event is counted yet. */
export async function uncountedKeys(
  db: Queryable,
  keys: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ key: string }>(
    `select k.key from unnest($1::uuid[]) as k (key)
     where not exists (select from event_keys e where e.key = k.key)`,
    [keys],
  );
  return new Set(rows.map(({ key }) => key));
}
