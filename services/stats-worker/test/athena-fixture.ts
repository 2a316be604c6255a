import type { AthenaColumn, AthenaResult, FakeAthena } from '@odometer/testing/fake-athena';
import { DECLARATION } from './posthoc-fixture.ts';

/** SQL that either engine takes. */
export const ATHENA_SQL = `select project, count(*) as value from logs
  where from_iso8601_timestamp(time) >= :start and from_iso8601_timestamp(time) < :end group by 1`;

export const ANSWER_COLUMNS: readonly AthenaColumn[] = [
  { name: 'project', type: 'varchar' },
  { name: 'value', type: 'bigint' },
];

/** A declaration of a table that the server has. */
export function athenaDeclaration(athena: FakeAthena) {
  const { source: _source, ...declaration } = DECLARATION;
  return {
    ...declaration,
    engine: 'athena',
    sql: ATHENA_SQL,
    athena: {
      region: 'eu-central-1',
      endpoint: athena.url,
      workgroup: 'odometer',
      database: 'logs',
      table: 'alb',
      unmatchedWhen: 'type is null',
      partitions: [{ column: 'day', format: 'yyyy/MM/dd' }],
    },
  } as const;
}

/** An answer as our query makes it of that of a metric's own. */
export function answerOf(
  rows: AthenaResult['rows'],
  { columns = ANSWER_COLUMNS, unmatched = 0 } = {},
): AthenaResult {
  const lost = String(unmatched);
  return {
    columns: [
      { name: 'odometer_unmatched', type: 'bigint' },
      { name: 'odometer_row', type: 'integer' },
      ...columns,
    ],
    rows:
      rows.length === 0
        ? [[lost, null, ...columns.map(() => null)]]
        : rows.map((row) => [lost, '1', ...row]),
  };
}
