import type { Manifest } from '@odometer/domain/manifest';
import { toTimestamp } from '@odometer/domain/period';
import type { Queryable, Transaction } from '../pool.ts';
import { hasEnded, IS_OF_MONTH } from './month-conditions.ts';
import { adjustmentHash, monthHash, projectMonthHash } from './row-hashes.ts';

/** All of a manifest that follows from the rows of the month. */
export type RowFigures = Pick<Manifest, 'meters' | 'projects' | 'charges' | 'adjustments'>;

/** Works out the figures of some organizations' frozen month from its rows as they are now, by organization's id. */
export async function readRowFigures(
  db: Queryable,
  monthMs: number,
  organizationIds: readonly string[],
): Promise<ReadonlyMap<string, RowFigures>> {
  const { rows } = await db.query<{ id: string } & RowFigures>(
    `with meter_figures as (
       select u.organization_id, jsonb_object_agg(m.slug, jsonb_build_object(
         'rows', u.rows::text, 'sum', u.sum::text, 'count', u.count::text, 'lifetime', u.lifetime::text,
         'hash', u.hash::text, 'hours', u.hours::text, 'hoursHash', u.hours_hash::text, 'daysHash', u.days_hash::text
       )) as figures
       from (
         select t.organization_id, t.meter_id, count(*) as rows, trim_scale(sum(t.sum)) as sum, sum(t.count) as count,
           trim_scale(sum(t.lifetime)) as lifetime, sum(${monthHash('t')}) as hash, sum(t.hours) as hours,
           sum(t.hours_hash) as hours_hash, sum(t.days_hash) as days_hash
         from usage_monthly t
         where t.month = $1 and t.organization_id = any($2::bigint[])
         group by 1, 2
       ) u join meters m on m.id = u.meter_id
       group by 1
     ), project_figures as (
       select x.organization_id, jsonb_build_object('rows', count(*)::text,
         'overageCharge', coalesce(sum(x.overage_charge), 0)::text, 'hash', sum(${projectMonthHash('x')})::text) as figures
       from project_months x
       where x.month = $1 and x.organization_id = any($2::bigint[])
       group by 1
     ), adjustment_figures as (
       select u.organization_id, jsonb_object_agg(m.slug, jsonb_build_object(
         'rows', u.rows::text, 'sum', u.sum::text, 'hash', u.hash::text)) as figures
       from (
         select a.organization_id, a.meter_id, count(*) as rows, trim_scale(sum(a.sum)) as sum,
           sum(${adjustmentHash('a')}) as hash
         from usage_adjustments a
         where a.billed_month = $1 and a.organization_id = any($2::bigint[])
         group by 1, 2
       ) u join meters m on m.id = u.meter_id
       group by 1
     )
     select o.id, coalesce(f.figures, '{}') as meters,
       coalesce(p.figures, '{"rows": "0", "overageCharge": "0", "hash": "0"}') as projects,
       jsonb_build_object('lines', e.charges, 'exceededLimits', e.exceeded_limits,
         'overageCharge', e.overage_charge::text, 'currency', e.currency) as charges,
       coalesce(a.figures, '{}') as adjustments
     from unnest($2::bigint[]) as o (id)
     join periods e on e.organization_id = o.id and e.month = $1
     left join meter_figures f on f.organization_id = o.id
     left join project_figures p on p.organization_id = o.id
     left join adjustment_figures a on a.organization_id = o.id`,
    [toTimestamp(monthMs), organizationIds],
  );
  return new Map(rows.map(({ id, ...figures }) => [id, figures]));
}

/** Of the period `f`, as it is in the manifest. */
export const FORCED = `case when f.forced_by is not null
  then jsonb_build_object('by', f.forced_by, 'reason', f.forced_reason) end`;

export interface FinishableOrganization {
  readonly id: string;
  readonly slug: string;
  readonly closingAt: Date;
  readonly forced: Manifest['forced'];
}

/** Organizations of a closing month whose projects are all done, so that only the manifest is missing. */
export async function finishableOrganizations(
  db: Queryable,
  monthMs: number,
  limit: number,
): Promise<readonly FinishableOrganization[]> {
  const { rows } = await db.query<FinishableOrganization>(
    `select f.organization_id as id, o.slug, f.closing_at as "closingAt", ${FORCED} as forced
     from periods f join organizations o on o.id = f.organization_id
     where f.month = $1 and f.state = 'closing' and f.held_up_by = '{}' and ${hasEnded('f.month')} and not exists (
       select from projects p
       where p.organization_id = f.organization_id and ${IS_OF_MONTH}
         and not exists (select from project_months x where x.project_id = p.id and x.month = $1 and x.final)
     )
     order by 1 limit $2`,
    [toTimestamp(monthMs), limit],
  );
  return rows;
}

/** closing → final, for each with its manifest. */
export async function writeManifests(
  transaction: Transaction,
  monthMs: number,
  manifests: ReadonlyMap<string, Manifest>,
  now: string,
): Promise<void> {
  await transaction.query(
    `update periods f set state = 'final', final_at = $4, final_act = nextval('period_acts'), manifest = m.manifest
     from unnest($2::bigint[], $3::jsonb[]) as m (id, manifest)
     where f.organization_id = m.id and f.month = $1 and f.state = 'closing' and f.held_up_by = '{}'
       and ${hasEnded('f.month')}`,
    [
      toTimestamp(monthMs),
      [...manifests.keys()],
      [...manifests.values()].map((manifest) => JSON.stringify(manifest)),
      now,
    ],
  );
}
