import { parseQuantity, type Scaled, wholeQuantity } from '@odometer/domain/decimal';
import { readValue } from '@odometer/domain/value-path';
import type { Meter } from './meter-catalogue.ts';

const ONE = wholeQuantity(1);

/**
 * What an event is worth to a meter: the quantity it adds, or a sentence that says why it is worth nothing. Never throws.
 */
export function measureEvent(data: unknown, meter: Meter): Scaled | string {
  switch (meter.aggregation) {
    case 'count':
      return ONE;
    case 'unique_count': {
      // Nothing to add: distinct values do not add up. But without a value the event is none of this meter's.
      const value = readValue(data, meter.valuePath);
      return value === undefined || value === null ? 'value is missing' : 0n;
    }
    default: {
      const value = readValue(data, meter.valuePath);
      if (value === undefined && meter.defaultValue !== undefined) return meter.defaultValue;
      return parseQuantity(value);
    }
  }
}
