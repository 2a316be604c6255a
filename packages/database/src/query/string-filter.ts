import type { SqlParameters } from './sql-parameters.ts';

/** A condition on a text, with the operators of OpenMeter's FilterString; exactly one is set. */
export interface StringFilter {
  readonly $eq?: string | undefined;
  readonly $ne?: string | undefined;
  readonly $in?: readonly string[] | undefined;
  readonly $nin?: readonly string[] | undefined;
  readonly $like?: string | undefined;
  readonly $nlike?: string | undefined;
  readonly $ilike?: string | undefined;
  readonly $nilike?: string | undefined;
  readonly $contains?: string | undefined;
  readonly $ncontains?: string | undefined;
  readonly $gt?: string | undefined;
  readonly $gte?: string | undefined;
  readonly $lt?: string | undefined;
  readonly $lte?: string | undefined;
  readonly $exists?: boolean | undefined;
  readonly $and?: readonly StringFilter[] | undefined;
  readonly $or?: readonly StringFilter[] | undefined;
}

type Comparison = Exclude<keyof StringFilter, '$exists' | '$and' | '$or'>;

/** As ClickHouse compares for OpenMeter: by bytes, whatever the database's language. */
const OPERATORS: Readonly<Record<Comparison, string>> = {
  $eq: '=',
  $ne: '<>',
  $in: '= any',
  $nin: '<> all',
  $like: 'like',
  $nlike: 'not like',
  $ilike: 'ilike',
  $nilike: 'not ilike',
  $contains: 'ilike',
  $ncontains: 'not ilike',
  $gt: '>',
  $gte: '>=',
  $lt: '<',
  $lte: '<=',
};

/**
 * The filter as a condition.
 *
 * @param text an expression; its null, the value is missing, is compared as the empty text, as OpenMeter's servers do.
 */
export function filterCondition(
  text: string,
  filter: StringFilter,
  parameters: SqlParameters,
): string {
  if (filter.$exists !== undefined) return `(${text}) is ${filter.$exists ? 'not ' : ''}null`;
  for (const [name, word] of [
    ['$and', ' and '],
    ['$or', ' or '],
  ] as const) {
    const parts = filter[name];
    if (parts === undefined) continue;
    if (parts.length === 0) return 'true';
    return `(${parts.map((part) => filterCondition(text, part, parameters)).join(word)})`;
  }
  const conditions = Object.entries(OPERATORS).flatMap(([name, operator]) => {
    const operand = filter[name as Comparison];
    if (operand === undefined) return [];
    const compared = `coalesce(${text}, '') ${name.endsWith('like') || name.endsWith('contains') ? '' : 'collate "C" '}${operator}`;
    if (typeof operand !== 'string') {
      return [`${compared} (${parameters.add(operand, 'text[]')})`];
    }
    const pattern = name.endsWith('contains') ? `%${operand.replace(/[\\%_]/g, '\\$&')}%` : operand;
    return [`${compared} ${parameters.add(pattern, 'text')}`];
  });
  return conditions.length === 0 ? 'true' : `(${conditions.join(' and ')})`;
}
