import { OdometerError } from '@odometer/domain/errors';
import type { MeterDeclaration } from '@odometer/domain/meter-declaration';
import { kindOf } from '@odometer/domain/meters';
import type { Transaction } from '../pool.ts';
import { raiseCatalogueVersion } from './catalogue.ts';
import { COUNTED_BACK_NOW } from './count-back.ts';

/**
 * Creates a meter that events feed. Events that were applied before carry a lower version of the catalogue, and are to be
 * counted back; those applied from now on are counted as they come. Demands the catalogue's lock (`lockCatalogue`): an
 * applier at work would else store events of which nobody could tell whether they are counted.
 *
 * @throws OdometerError `meter_exists`.
 */
export async function createMeter(
  transaction: Transaction,
  meter: MeterDeclaration,
): Promise<void> {
  const version = await raiseCatalogueVersion(transaction);
  const { rowCount } = await transaction.query(
    `insert into meters (id, slug, kind, unit, event_type, aggregation, value_path, group_by, name, description, metadata,
       owner, catalogue_version, counted_back_at)
     values (nextval('meter_ids'), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'events', $11,
       case when not exists (select from events) then ${COUNTED_BACK_NOW} end)
     on conflict (slug) do nothing`,
    [
      meter.slug,
      kindOf(meter.aggregation),
      meter.unit,
      meter.eventType,
      meter.aggregation,
      meter.valueProperty ?? null,
      JSON.stringify(meter.groupBy),
      meter.name ?? null,
      meter.description ?? null,
      JSON.stringify(meter.metadata),
      version,
    ],
  );
  if (rowCount === 0) throw new OdometerError('meter_exists', { meter: meter.slug });
}
