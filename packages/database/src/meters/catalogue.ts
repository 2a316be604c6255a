import type { Aggregation } from '@odometer/domain/meters';
import type { Queryable, Transaction } from '../pool.ts';

/** A meter that events feed. */
export interface EventMeter {
  readonly id: number;
  readonly slug: string;
  readonly eventType: string;
  /** `events`, or the post-hoc metric whose events alone it takes. */
  readonly owner: string;
  readonly aggregation: Aggregation;
  /** JSON path of the value; null for a meter that counts events. */
  readonly valuePath: string | null;
  /** What an event without a value counts, decimal text; null: it is invalid. */
  readonly defaultValue: string | null;
}

/** The version of the catalogue: changes with every change of a meter. */
export async function catalogueVersion(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ version: string }>('select version from meter_catalogue');
  return rows[0]?.version ?? '0';
}

/** All meters that events feed. */
export async function listEventMeters(db: Queryable): Promise<readonly EventMeter[]> {
  const { rows } = await db.query<EventMeter>(
    `select id, slug, event_type as "eventType", owner, aggregation, value_path as "valuePath", default_value as "defaultValue"
     from meters where event_type is not null order by id`,
  );
  return rows;
}

/** Whoever changes a meter gives the catalogue a new version, under its lock. @returns it. */
export async function raiseCatalogueVersion(transaction: Transaction): Promise<string> {
  const { rows } = await transaction.query<{ version: string }>(
    'update meter_catalogue set version = version + 1 returning version',
  );
  const [row] = rows;
  if (row === undefined) throw new Error('meter_catalogue has no row');
  return row.version;
}
