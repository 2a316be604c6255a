import type { TargetKind } from '@odometer/domain/measured-target';
import type { Queryable } from '../pool.ts';

/**
 * When the declared target of each kind was last measured that was not for longest: when that complete measurement began, or
 * when it was declared. A kind of which nothing is declared is absent.
 */
export async function oldestMeasured(
  db: Queryable,
): Promise<readonly { readonly kind: TargetKind; readonly at: Date }[]> {
  const { rows } = await db.query<{ kind: TargetKind; at: Date }>(
    `with declared as (
       select 'bucket' as kind, name as target, declared_at as since from buckets where retired_at is null
       union all
       select kind, name, updated_at from measured_targets where retired_at is null
     )
     select d.kind, min(coalesce(last.started_at, d.since)) as at
     from declared d
     left join lateral (
       select m.started_at from whole_measurements m
       where m.kind = d.kind and m.target = d.target and m.state = 'complete'
       order by m.id desc limit 1
     ) last on true
     group by d.kind`,
  );
  return rows;
}

export interface StorageDrift {
  readonly objects: number;
  readonly bytes: number;
}

/**
 * What the last complete listing of each bucket put right, of all buckets together, too many and too few added up. What filled
 * a ledger is no drift, and what a listing before `since` found says nothing of now.
 *
 * @returns undefined when no bucket was listed since: a zero would say that all is well.
 */
export async function storageDrift(db: Queryable, since: Date): Promise<StorageDrift | undefined> {
  const { rows } = await db.query<StorageDrift & { listed: number }>(
    `select count(distinct b.id)::int as listed, coalesce(sum((c.amount ->> 'objects')::numeric), 0)::float8 as objects,
       coalesce(sum(abs((c.amount ->> 'bytes')::numeric)), 0)::float8 as bytes
     from buckets b
     cross join lateral (
       select m.figures from whole_measurements m
       where m.kind = 'bucket' and m.target = b.name and m.state = 'complete' and m.started_at >= $1
       order by m.id desc limit 1
     ) m
     left join lateral jsonb_each(m.figures -> 'corrections') as c (reason, amount)
       on m.figures ->> 'filled' = 'false'
     where b.retired_at is null`,
    [since],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a sum has no row');
  const { listed, ...drift } = row;
  return listed === 0 ? undefined : drift;
}
