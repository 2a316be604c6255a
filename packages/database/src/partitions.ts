import type { Queryable } from './pool.ts';

/** Makes the monthly partitions for every month that `[from, to]` touches; what exists is left alone. */
export async function createMonthPartitions(
  db: Queryable,
  from: string,
  to: string,
): Promise<number> {
  const { rows } = await db.query<{ created: number }>(
    'select create_month_partitions($1, $2) as created',
    [from, to],
  );
  return rows[0]?.created ?? 0;
}

/** The months for which partitions exist, starts in milliseconds. */
export async function partitionedMonths(db: Queryable): Promise<ReadonlySet<number>> {
  const { rows } = await db.query<{ month: string }>(
    `select substring(c.relname from '\\d{4}_\\d{2}$') as month
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'usage_hourly'::regclass`,
  );
  return new Set(
    rows.map(({ month }) => Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1, 1)),
  );
}
