import { OdometerError } from '@odometer/domain/errors';
import type { MeterKind } from '@odometer/domain/meters';
import type { Queryable, Transaction } from '../pool.ts';
import { raiseCatalogueVersion } from './catalogue.ts';
import { hasUsage } from './meter-usage.ts';
import { findMeter } from './stored-meter.ts';

/** Who wants to be the only source of a meter. */
export interface MeterClaim {
  readonly meter: string;
  /** As in `meters.owner`. */
  readonly owner: string;
  readonly kind: MeterKind;
  /** Of the meter, when it is to be created. */
  readonly unit: string;
  /** Type of the events by which the owner feeds it; without one it writes usage itself. */
  readonly eventType?: string;
  /** Members of its events' data by which its usage can be asked for. */
  readonly dimensions?: readonly string[];
}

/**
 * Why somebody may not become the source of a meter; a meter has one source for life, since figures of two would be one
 * column that nobody can explain. Only a built-in counter that events feed, and of which there is no usage yet, changes hands.
 *
 * @returns a sentence, or undefined when it may, or is already.
 */
export async function claimRefusal(
  db: Queryable,
  { meter: slug, owner, kind }: MeterClaim,
): Promise<string | undefined> {
  const meter = await findMeter(db, slug);
  if (meter === undefined) return undefined;
  if (meter.slug !== slug) return `there is no meter ${slug}, and ${slug} is the id of another`;
  if (meter.kind !== kind) return `meter ${slug} is a ${meter.kind}, and this reads a ${kind}`;
  if (meter.owner === owner) return undefined;
  if (meter.owner === 'mqtt') return `meter ${slug} is counted by mqtt-counter`;
  if (meter.owner === 'readings') return `meter ${slug} is measured by Odometer itself`;
  if (meter.owner !== 'events') {
    return `meter ${slug} is fed by ${meter.owner}, and a meter has one source only`;
  }
  if (!meter.builtIn) {
    return `meter ${slug} is fed by events of type ${meter.eventType}, and a meter has one source only; take another meter`;
  }
  if (await hasUsage(db, meter.id)) {
    return `meter ${slug} has usage that came by events, and a meter has one source only; take another meter`;
  }
  return undefined;
}

/**
 * Makes somebody the only source of a meter, and creates it when there is none. Demands the catalogue's lock
 * (`lockCatalogue`): no event is being applied by the catalogue as it was.
 *
 * @throws OdometerError `meter_owned`
 */
export async function claimMeter(transaction: Transaction, claim: MeterClaim): Promise<void> {
  const refusal = await claimRefusal(transaction, claim);
  if (refusal !== undefined) throw new OdometerError('meter_owned', { reason: refusal });
  const { meter: slug, owner, kind, unit, eventType = null, dimensions = [] } = claim;
  const valuePath = eventType === null ? null : '$.value';
  const groupBy = JSON.stringify(Object.fromEntries(dimensions.map((name) => [name, `$.${name}`])));
  const meter = await findMeter(transaction, slug);
  if (meter?.owner === owner) {
    // Those that it had stay: events that have them do, too.
    const { rowCount } = await transaction.query(
      `update meters set group_by = group_by || $2::jsonb, updated_at = now()
       where id = $1 and not group_by @> $2::jsonb`,
      [meter.id, groupBy],
    );
    if (rowCount === 1) await raiseCatalogueVersion(transaction);
    return;
  }
  const version = await raiseCatalogueVersion(transaction);
  if (meter === undefined) {
    await transaction.query(
      `insert into meters (id, slug, kind, unit, aggregation, owner, catalogue_version, event_type, value_path, group_by)
       values (nextval('meter_ids'), $1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        slug,
        kind,
        unit,
        kind === 'gauge' ? 'latest' : 'sum',
        owner,
        version,
        eventType,
        valuePath,
        groupBy,
      ],
    );
    return;
  }
  await transaction.query(
    `update meters set owner = $2, event_type = $4, value_path = $5, default_value = null, group_by = group_by || $6::jsonb,
       catalogue_version = $3, updated_at = now()
     where id = $1`,
    [meter.id, owner, version, eventType, valuePath, groupBy],
  );
}
