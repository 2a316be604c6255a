import type { ValuePath } from '@odometer/domain/value-path';
import type { Queryable } from '../pool.ts';
import { jsonPath } from '../query/json-path.ts';

/** More are no list for a person to choose from; they are sorted, so the same ones each time. */
const MAX_VALUES = 10_000;

/** The values that events of a type have at a path, sorted; events without one are left out. */
export async function listDimensionValues(
  db: Queryable,
  dimension: {
    readonly eventType: string;
    readonly path: ValuePath;
    /** Slug of the only organization whose events may be seen; null: all. */
    readonly organization: string | null;
    /** Event time, half-open. */
    readonly from: Date;
    readonly to: Date;
  },
): Promise<readonly string[]> {
  const { rows } = await db.query<{ value: string }>(
    `select distinct value collate "C" as value
     from events, lateral (select jsonb_path_query_first(data, $2::jsonpath, '{}', true) #>> '{}' as value) v
     where type = $1 and time >= $4 and time < $5 and value is not null
       and ($3::text is null or organization_id = (select id from organizations where slug = $3))
     order by 1 limit ${MAX_VALUES}`,
    [
      dimension.eventType,
      jsonPath(dimension.path),
      dimension.organization,
      dimension.from,
      dimension.to,
    ],
  );
  return rows.map(({ value }) => value);
}
