import { OdometerError } from '@odometer/domain/errors';
import type { Transaction } from '../pool.ts';
import { raiseCatalogueVersion } from './catalogue.ts';
import { HAS_USAGE } from './meter-usage.ts';
import { findMeter } from './stored-meter.ts';

/**
 * Deletes a meter that nothing was counted by and no plan limits: usage without its meter would be figures without a
 * meaning. Demands the catalogue's lock (`lockCatalogue`), and takes the meter's row, which whoever counts it back holds.
 *
 * @returns its slug.
 * @throws OdometerError `meter_not_found`, `meter_built_in`, `meter_in_use`.
 */
export async function deleteMeter(transaction: Transaction, slugOrId: string): Promise<string> {
  const meter = await findMeter(transaction, slugOrId);
  if (meter === undefined) throw new OdometerError('meter_not_found', { meter: slugOrId });
  const { id, slug } = meter;
  if (meter.builtIn) throw new OdometerError('meter_built_in', { meter: slug });
  await transaction.query('select from meters where id = $1 for update', [id]);
  const [usage] = await usesOf(transaction, id, slug);
  if (usage !== undefined) throw new OdometerError('meter_in_use', { meter: slug, use: usage });
  await raiseCatalogueVersion(transaction);
  await transaction.query('delete from meters where id = $1', [id]);
  return slug;
}

/** One statement, so that usage that is just being moved from one place to another is seen in one of them. */
async function usesOf(
  transaction: Transaction,
  id: number,
  slug: string,
): Promise<readonly string[]> {
  const { rows } = await transaction.query<{ use: string }>(
    `select 'usage was counted by it' as use where ${HAS_USAGE}
     union all
     select 'it belongs to ' || owner from meters where id = $1 and (owner like 'reading:%' or owner like 'posthoc:%')
     union all
     select 'a plan limits it' where exists (select from plan_limits where resource = $2)
     union all
     select 'somebody has reserved it'
     where exists (select from limit_reservations where resource = $2 and released_at is null and expires_at > now())`,
    [id, slug],
  );
  return rows.map(({ use }) => use);
}
