import type { Queryable } from '@odometer/database/pool';

/**
 * The schema as text, the same on every supported Postgres: relations with columns, constraints, indexes, views and
 * functions. Monthly partitions are left out, since they depend on the day.
 */
export async function describeSchema(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ line: string }>(`
    with relations as (
      select c.oid, c.relname, c.relkind from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'S')
        and not (c.relispartition and c.relname ~ '_\\d{4}_\\d{2}$') and c.relname <> 'schema_migrations'
        and not exists (select 1 from pg_depend d where d.objid = c.oid and d.deptype = 'i' and c.relkind = 'S')
        and c.relname <> 'schema_migrations_id_seq'
    )
    select line from (
      select relname as owner, 0 as part, 0 as position,
        case relkind when 'v' then 'view ' when 'S' then 'sequence ' else 'table ' end || relname as line
      from relations
      union all
      select r.relname, 1, a.attnum,
        '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
          || case when a.attnotnull then ' not null' else '' end
          || case when a.attidentity <> '' then ' identity' else coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') end
      from relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
      where r.relkind in ('r', 'p', 'v')
      union all
      select r.relname, 2, row_number() over (partition by r.oid order by k.conname)::int,
        '  constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
      from relations r join pg_constraint k on k.conrelid = r.oid and k.contype in ('p', 'u', 'c', 'f')
      union all
      select r.relname, 3, row_number() over (partition by r.oid order by i.indexrelid::regclass::text)::int,
        '  ' || pg_get_indexdef(i.indexrelid)
      from relations r join pg_index i on i.indrelid = r.oid
      where not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid)
      union all
      select p.proname, 4, 0, 'function ' || p.proname || '(' || pg_get_function_arguments(p.oid) || ')'
      from pg_proc p where p.pronamespace = 'public'::regnamespace
    ) s order by part = 4, owner, part, position`);
  return `${rows.map(({ line }) => line).join('\n')}\n`;
}
