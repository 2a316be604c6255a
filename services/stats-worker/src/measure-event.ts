import { parseQuantity, type Scaled, wholeQuantity } from '@odometer/domain/decimal';
import { readValue } from '@odometer/domain/value-path';
import type { Meter } from './meter-catalogue.ts';

const ONE = wholeQuantity(1);

/**
 * What an event is worth to a meter: the quantity it adds, or a sentence that says why it is worth nothing. Never throws.
 *
 * @param mayLower whether it may take something away from a sum, as a post-hoc metric's may. Anybody else's would lower the bill
 * of what others have sent. A gauge's value is a level, which may be below zero.
 */
export function measureEvent(data: unknown, meter: Meter, mayLower: boolean): Scaled | string {
  switch (meter.aggregation) {
    case 'count':
      return ONE;
    case 'unique_count': {
      // Nothing to add: distinct values do not add up. But without a value the event is none of this meter's.
      const value = readValue(data, meter.valuePath);
      return value === undefined || value === null ? 'value is missing' : 0n;
    }
    case 'sum': {
      const quantity = quantityOf(data, meter);
      const isLowering = typeof quantity === 'bigint' && quantity < 0n;
      return isLowering && !mayLower ? 'value is negative' : quantity;
    }
    default:
      return quantityOf(data, meter);
  }
}

function quantityOf(data: unknown, { valuePath, defaultValue }: Meter): Scaled | string {
  const value = readValue(data, valuePath);
  if (value === undefined && defaultValue !== undefined) return defaultValue;
  return parseQuantity(value);
}
