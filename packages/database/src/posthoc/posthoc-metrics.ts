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
