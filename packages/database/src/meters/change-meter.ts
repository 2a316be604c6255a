import { OdometerError } from '@odometer/domain/errors';
import type { MeterChange } from '@odometer/domain/meter-declaration';
import type { Transaction } from '../pool.ts';
import { raiseCatalogueVersion } from './catalogue.ts';
import { findMeter } from './stored-meter.ts';

/**
 * Changes what may be changed of a meter; what is not named stays. What counted usage means (event type, aggregation and
 * value path) may not: one column would hold two kinds of numbers. Demands the catalogue's lock (`lockCatalogue`).
 *
 * @throws OdometerError `meter_not_found`, `meter_built_in`.
 */
export async function changeMeter(
  transaction: Transaction,
  slugOrId: string,
  change: MeterChange,
): Promise<void> {
  const meter = await findMeter(transaction, slugOrId);
  if (meter === undefined) throw new OdometerError('meter_not_found', { meter: slugOrId });
  if (meter.builtIn) throw new OdometerError('meter_built_in', { meter: meter.slug });
  await raiseCatalogueVersion(transaction);
  const { unit, groupBy, name, description, metadata } = { ...meter, ...change };
  await transaction.query(
    `update meters set unit = $2, group_by = $3, name = $4, description = $5, metadata = $6, updated_at = now()
     where id = $1`,
    [meter.id, unit, JSON.stringify(groupBy), name, description, JSON.stringify(metadata)],
  );
}
