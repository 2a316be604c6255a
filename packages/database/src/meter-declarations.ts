import type { Aggregation, MeterKind } from '@odometer/domain/meters';
import type { Queryable, Transaction } from './pool.ts';

/** A meter as an operator declares it. */
export interface MeterDeclaration {
  readonly slug: string;
  readonly kind: MeterKind;
  readonly unit: string;
  readonly eventType: string;
  readonly aggregation: Aggregation;
  /** JSON path of the value; null when the meter counts events. */
  readonly valuePath: string | null;
  /** Dimension name → JSON path. */
  readonly groupBy: Readonly<Record<string, string>>;
}

export interface DeclaredMeter extends Omit<MeterDeclaration, 'eventType'> {
  /** Null for a meter that events do not feed. */
  readonly eventType: string | null;
  readonly builtIn: boolean;
}

/** One meter of the catalogue. */
export async function findMeter(db: Queryable, slug: string): Promise<DeclaredMeter | undefined> {
  const { rows } = await db.query<DeclaredMeter>(
    `select slug, kind, unit, event_type as "eventType", aggregation, value_path as "valuePath",
       group_by as "groupBy", built_in as "builtIn"
     from meters where slug = $1`,
    [slug],
  );
  return rows[0];
}

/**
 * Creates a meter, or changes what may be changed of one, and gives the catalogue a new version. Demands the catalogue's
 * lock (`lockCatalogue`): an applier must never count an event with a catalogue of which half is old.
 *
 * What counted usage means (type, aggregation and value path) is not changed here: the caller refuses that.
 */
export async function putMeter(transaction: Transaction, meter: MeterDeclaration): Promise<void> {
  await transaction.query(
    `insert into meters (id, slug, kind, unit, event_type, aggregation, value_path, group_by, owner)
     values (nextval('meter_ids'), $1, $2, $3, $4, $5, $6, $7, 'events')
     on conflict (slug) do update
     set unit = excluded.unit, group_by = excluded.group_by
     where not meters.built_in`,
    [
      meter.slug,
      meter.kind,
      meter.unit,
      meter.eventType,
      meter.aggregation,
      meter.valuePath,
      JSON.stringify(meter.groupBy),
    ],
  );
  await transaction.query('update meter_catalogue set version = version + 1');
}
