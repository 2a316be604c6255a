import type { Queryable } from '../pool.ts';

/** What is measured besides buckets, which have a table of their own. */
export type MeasuredKind = 'registry' | 'reading' | 'cross_check';

/** A declaration as stored; whoever reads it parses it with the domain's schema. */
export interface MeasuredTarget {
  readonly name: string;
  readonly declaration: unknown;
}

/** All declared targets of a kind, by name. */
export async function listMeasuredTargets(
  db: Queryable,
  kind: MeasuredKind,
): Promise<readonly MeasuredTarget[]> {
  const { rows } = await db.query<MeasuredTarget>(
    'select name, declaration from measured_targets where kind = $1 order by name',
    [kind],
  );
  return rows;
}

export async function findMeasuredTarget(
  db: Queryable,
  kind: MeasuredKind,
  name: string,
): Promise<MeasuredTarget | undefined> {
  const { rows } = await db.query<MeasuredTarget>(
    'select name, declaration from measured_targets where kind = $1 and name = $2',
    [kind, name],
  );
  return rows[0];
}

/** Creates or replaces a declaration. */
export async function putMeasuredTarget(
  db: Queryable,
  kind: MeasuredKind,
  name: string,
  declaration: unknown,
): Promise<void> {
  await db.query(
    `insert into measured_targets as t (kind, name, declaration) values ($1, $2, $3)
     on conflict (kind, name) do update set declaration = excluded.declaration, updated_at = now()
     where t.declaration is distinct from excluded.declaration`,
    [kind, name, JSON.stringify(declaration)],
  );
}
