import type { StoredMeter } from '@odometer/database/meters/stored-meter';
import { AGGREGATIONS } from '@odometer/domain/meters';
import { z } from 'zod';
import { instant } from '../http/schemas.ts';

/** A meter in OpenMeter's form, and what is ours beside it. */
export const meterSchema = z.object({
  id: z.string(),
  slug: z.string(),
  name: z.string().describe('its slug when it has none'),
  description: z.string().optional(),
  metadata: z.record(z.string(), z.unknown()),
  aggregation: z.enum(AGGREGATIONS.map((aggregation) => aggregation.toUpperCase())),
  eventType: z.string().describe('empty when no events feed it'),
  valueProperty: z.string().optional(),
  groupBy: z.record(z.string(), z.string()),
  createdAt: instant,
  updatedAt: instant,
  unit: z.string(),
  owner: z.string().describe('its one source: `events`, or who counts or reads it'),
  builtIn: z.boolean(),
  countingBack: z.boolean().describe('events that came before it are still being counted'),
});

export function meterJson(meter: StoredMeter): unknown {
  const {
    id,
    slug,
    name,
    description,
    valuePath,
    aggregation,
    eventType,
    kind: _,
    ...same
  } = meter;
  return {
    ...same,
    id: String(id),
    slug,
    name: name ?? slug,
    aggregation: aggregation.toUpperCase(),
    eventType: eventType ?? '',
    ...(description === null ? {} : { description }),
    ...(valuePath === null ? {} : { valueProperty: valuePath }),
  };
}
