import { parseQuantity } from '@odometer/domain/decimal';
import type { Aggregation } from '@odometer/domain/meters';
import { parseValuePath } from '@odometer/domain/value-path';
import { jsonPath } from './json-path.ts';
import type { SqlParameters } from './sql-parameters.ts';

/** What an event `u` is worth to a meter: measureEvent in SQL. Null when it is nothing to it. */
export function eventQuantity(
  meter: {
    readonly aggregation: Aggregation;
    readonly owner: string;
    readonly valuePath: string | null;
    readonly defaultValue: string | null;
  },
  parameters: SqlParameters,
): string {
  if (meter.aggregation === 'count') return '1::numeric';
  if (meter.aggregation === 'unique_count') return 'null::numeric';
  const missing = parseQuantity(meter.defaultValue);
  const whenMissing = parameters.add(
    typeof missing === 'bigint' ? meter.defaultValue : null,
    'numeric',
  );
  const path = valuePath(meter.valuePath ?? '$', parameters);
  // Of clients; what a version before has stored is measured as that version counted it.
  const mayLower =
    meter.owner === 'events' && meter.aggregation === 'sum' ? ', u.posthoc is not false' : '';
  return `event_quantity(u.data, ${path}, ${whenMissing}${mayLower})`;
}

/** @throws TypeError for what is no path: whoever declares a meter validates its paths. */
export function valuePath(path: string, parameters: SqlParameters): string {
  const steps = parseValuePath(path);
  if (steps === undefined) throw new TypeError(`${path} is no path of one value`);
  return parameters.add(jsonPath(steps), 'jsonpath');
}
