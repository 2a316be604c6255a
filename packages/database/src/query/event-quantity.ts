import { parseQuantity } from '@odometer/domain/decimal';
import type { Aggregation } from '@odometer/domain/meters';
import { parseValuePath } from '@odometer/domain/value-path';
import { jsonPath } from './json-path.ts';
import type { SqlParameters } from './sql-parameters.ts';

/** What an event `u` is worth to a meter: measureEvent in SQL. Null when it is nothing to it. */
export function eventQuantity(
  meter: {
    readonly aggregation: Aggregation;
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
  return `event_quantity(u.data, ${valuePath(meter.valuePath ?? '$', parameters)}, ${whenMissing})`;
}

/** @throws TypeError for what is no path: whoever declares a meter validates its paths. */
export function valuePath(path: string, parameters: SqlParameters): string {
  const steps = parseValuePath(path);
  if (steps === undefined) throw new TypeError(`${path} is no path of one value`);
  return parameters.add(jsonPath(steps), 'jsonpath');
}
