import type { Aggregation, MeterKind } from '@odometer/domain/meters';
import type { Queryable } from '../pool.ts';

/** What a query has to know of a meter. */
export interface QueriedMeter {
  readonly id: number;
  readonly slug: string;
  readonly kind: MeterKind;
  /** Its one source: `events`, or who counts or reads it; only events can be looked at one by one. */
  readonly owner: string;
  readonly eventType: string | null;
  readonly aggregation: Aggregation;
  readonly valuePath: string | null;
  /** Decimal text. */
  readonly defaultValue: string | null;
  /** Dimension → JSON path. */
  readonly groupBy: Readonly<Record<string, string>>;
  /** Events that came before the meter are still being counted. */
  readonly countingBack: boolean;
}

/** A meter by its slug, or by its id. */
export async function findQueriedMeter(
  db: Queryable,
  slugOrId: string,
): Promise<QueriedMeter | undefined> {
  const { rows } = await db.query<QueriedMeter>(
    `select id, slug, kind, owner, event_type as "eventType", aggregation, value_path as "valuePath",
       default_value as "defaultValue", group_by as "groupBy", counted_back_at is null as "countingBack"
     from meters where slug = $1 or id::text = $1 order by slug = $1 desc limit 1`,
    [slugOrId],
  );
  return rows[0];
}

/** Slugs of the meters of which a project may have usage, the built-in ones first. */
export async function listUsedMeters(db: Queryable, projectId: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ slug: string }>(
    `select m.slug from meters m
     where m.counted_back_at is null
       or exists (select from usage_monthly u where u.project_id = $1 and u.meter_id = m.id)
       or exists (select from usage_adjustments a where a.project_id = $1 and a.meter_id = m.id)
     order by m.id`,
    [projectId],
  );
  return rows.map(({ slug }) => slug);
}
