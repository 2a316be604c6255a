import { toTimestamp } from '@odometer/domain/period';
import type { Transaction } from '../pool.ts';
import type { AnswerRow } from './answer-statement.ts';
import type { Piece } from './plan-pieces.ts';
import { SqlParameters } from './sql-parameters.ts';
import { eventRows, type ResolvedQuery } from './usage-rows.ts';

const UNIT_MS = { events: 0, hours: 3_600_000, days: 86_400_000 };

/**
 * When the first usage of each row was. Sums know its hour or its day; the events of just that unit know its time, unless
 * they are not kept any more: then it is the unit's beginning.
 */
export async function exactFirst(
  transaction: Transaction,
  query: ResolvedQuery,
  rows: readonly AnswerRow[],
  pieces: readonly Piece[],
  keptFromMs: number,
): Promise<readonly number[]> {
  const firstMs = rows.map(({ first }) => first?.getTime() ?? 0);
  const vague = firstMs.flatMap((atMs, index) => {
    const { source = 'events' } =
      pieces.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs) ?? {};
    const unitMs = UNIT_MS[source];
    return unitMs > 0 && atMs >= keptFromMs ? [{ index, atMs, endMs: atMs + unitMs }] : [];
  });
  if (vague.length === 0) return firstMs;
  const parameters = new SqlParameters();
  const groups = query.groupBy.map((_, i) => `g${i}`);
  const columns = [
    parameters.add(
      vague.map(({ atMs }) => toTimestamp(atMs)),
      'timestamptz[]',
    ),
    parameters.add(
      vague.map(({ endMs }) => toTimestamp(endMs)),
      'timestamptz[]',
    ),
    ...groups.map((_, i) =>
      parameters.add(
        vague.map(({ index }) => rows[index]?.[`g${i}`] ?? null),
        'text[]',
      ),
    ),
  ];
  const isOfRow = groups.map((group) => `u.${group} is not distinct from v.${group}`);
  const { rows: found } = await transaction.query<{ number: string; first: Date }>(
    `select v.number, min(u.at) as first
     from unnest(${columns.join(', ')}) with ordinality as v (${['from_time', 'to_time', ...groups, 'number'].join(', ')})
     cross join lateral (${eventRows(query, 'v.from_time', 'v.to_time', parameters)}) u
     ${isOfRow.length === 0 ? '' : `where ${isOfRow.join(' and ')}`}
     group by v.number`,
    parameters.values,
  );
  for (const { number, first } of found) {
    const row = vague[Number(number) - 1];
    if (row !== undefined) firstMs[row.index] = first.getTime();
  }
  return firstMs;
}
