import { POSTHOC_SOURCE } from '@odometer/domain/posthoc/posthoc-event';
import type { SqlParameters } from './sql-parameters.ts';

/**
 * The condition on an event `u` to be one that feeds a meter: of its type, and of its one source. What clients send under the
 * type of a post-hoc metric is stored, and is none of its meter's; what the metric makes is no other meter's.
 */
export function eventsOfMeter(
  meter: { readonly eventType: string | null; readonly owner: string },
  parameters: SqlParameters,
): string {
  const type = `u.type = ${parameters.add(meter.eventType, 'text')}`;
  if (meter.owner === 'events') return `${type} and u.posthoc is not true`;
  const source = meter.owner.replace('posthoc:', POSTHOC_SOURCE);
  return `${type} and u.posthoc and u.source = ${parameters.add(source, 'text')}`;
}
