import type { Queryable } from '../pool.ts';

/** What is measured besides buckets, which have a table of their own. */
export type MeasuredKind = 'registry' | 'reading' | 'cross_check';

/** A declaration as stored; whoever reads it parses it with the domain's schema. */
export interface MeasuredTarget {
  readonly name: string;
  readonly declaration: unknown;
}

/** All declared targets of a kind, by name; those that are retired are declared no more. */
export async function listMeasuredTargets(
  db: Queryable,
  kind: MeasuredKind,
): Promise<readonly MeasuredTarget[]> {
  const { rows } = await db.query<MeasuredTarget>(
    'select name, declaration from measured_targets where kind = $1 and retired_at is null order by name',
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
    'select name, declaration from measured_targets where kind = $1 and name = $2 and retired_at is null',
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

/** @returns whether it is retired, and what was counted of it not taken out yet. */
export async function isTargetRetired(
  db: Queryable,
  kind: MeasuredKind,
  name: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'select from measured_targets where kind = $1 and name = $2 and retired_at is not null',
    [kind, name],
  );
  return rowCount === 1;
}

/** Ends a declaration. @returns whether it was declared. */
export async function retireTarget(
  db: Queryable,
  kind: MeasuredKind,
  name: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'update measured_targets set retired_at = clock_timestamp() where kind = $1 and name = $2 and retired_at is null',
    [kind, name],
  );
  return rowCount === 1;
}

/** Forgets one that is retired, once nothing is counted of it. @returns whether there was one. */
export async function forgetRetiredTarget(
  db: Queryable,
  kind: MeasuredKind,
  name: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'delete from measured_targets where kind = $1 and name = $2 and retired_at is not null',
    [kind, name],
  );
  return rowCount === 1;
}
