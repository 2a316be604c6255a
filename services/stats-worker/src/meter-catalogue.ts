import { type EventMeter, listEventMeters } from '@odometer/database/meters/catalogue';
import type { Transaction } from '@odometer/database/pool';
import { parseQuantity, type Scaled } from '@odometer/domain/decimal';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import type { Aggregation } from '@odometer/domain/meters';
import { posthocOwner } from '@odometer/domain/posthoc/posthoc-declaration';
import { POSTHOC_SOURCE } from '@odometer/domain/posthoc/posthoc-event';
import { parseValuePath, type ValuePath } from '@odometer/domain/value-path';
import { VersionedCatalogue } from './versioned-catalogue.ts';

/** A meter, ready to measure events. */
export interface Meter {
  readonly id: number;
  readonly aggregation: Aggregation;
  readonly valuePath: ValuePath;
  /** What an event without a value counts; undefined: it is invalid. */
  readonly defaultValue: Scaled | undefined;
}

/** The meters that events feed, as they are at one version of the catalogue. */
export interface Catalogue {
  readonly version: string;
  /** Those of anybody's events. */
  readonly byType: ReadonlyMap<string, readonly Meter[]>;
  /** Those of post-hoc metrics, by owner and type (`metersOf`). */
  readonly byOwner: ReadonlyMap<string, readonly Meter[]>;
}

/** The meters that events feed. */
export class MeterCatalogue extends VersionedCatalogue<Catalogue> {
  constructor() {
    super(async (transaction, version) => ({ version, ...(await load(transaction)) }));
  }
}

/** The meters that an event feeds. Of a post-hoc metric it is the one that this owns; nobody else's event feeds that. */
export function metersOf(
  { byType, byOwner }: Catalogue,
  { type, source, posthoc }: EventEnvelope,
): readonly Meter[] | undefined {
  if (posthoc !== true) return byType.get(type);
  return byOwner.get(ownerKey(posthocOwner(source.slice(POSTHOC_SOURCE.length)), type));
}

function ownerKey(owner: string, type: string): string {
  return `${owner} ${type}`;
}

async function load(transaction: Transaction): Promise<Omit<Catalogue, 'version'>> {
  const byType = new Map<string, Meter[]>();
  const byOwner = new Map<string, Meter[]>();
  for (const row of await listEventMeters(transaction)) {
    const meter = readyMeter(row);
    if (meter === undefined) continue;
    const [map, key] =
      row.owner === 'events'
        ? [byType, row.eventType]
        : [byOwner, ownerKey(row.owner, row.eventType)];
    const meters = map.get(key);
    if (meters === undefined) map.set(key, [meter]);
    else meters.push(meter);
  }
  return { byType, byOwner };
}

/** Undefined when its path is none: whoever declares a meter validates it, and one that is wrong must stop no other. */
export function readyMeter(row: EventMeter): Meter | undefined {
  const valuePath = parseValuePath(row.valuePath ?? '$');
  if (valuePath === undefined) return undefined;
  const defaultValue = row.defaultValue === null ? undefined : parseQuantity(row.defaultValue);
  return {
    id: row.id,
    aggregation: row.aggregation,
    valuePath,
    defaultValue: typeof defaultValue === 'bigint' ? defaultValue : undefined,
  };
}
