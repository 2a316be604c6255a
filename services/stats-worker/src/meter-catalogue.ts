import { type EventMeter, listEventMeters } from '@odometer/database/meters/catalogue';
import type { Transaction } from '@odometer/database/pool';
import { parseQuantity, type Scaled } from '@odometer/domain/decimal';
import type { Aggregation } from '@odometer/domain/meters';
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
  readonly byType: ReadonlyMap<string, readonly Meter[]>;
}

/** The meters that events feed. */
export class MeterCatalogue extends VersionedCatalogue<Catalogue> {
  constructor() {
    super(async (transaction, version) => ({ version, byType: await load(transaction) }));
  }
}

async function load(transaction: Transaction): Promise<Catalogue['byType']> {
  const byType = new Map<string, Meter[]>();
  for (const row of await listEventMeters(transaction)) {
    const meter = readyMeter(row);
    if (meter === undefined) continue;
    const meters = byType.get(row.eventType);
    if (meters === undefined) byType.set(row.eventType, [meter]);
    else meters.push(meter);
  }
  return byType;
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
