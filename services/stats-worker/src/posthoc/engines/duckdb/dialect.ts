import { DATE_MACROS } from './dialect-dates.ts';
import { URL_MACROS } from './dialect-urls.ts';
import type { Macros } from './macro.ts';
import type { Connection } from './open-duckdb.ts';

/**
 * What Athena (Trino) has under these names, and says otherwise where DuckDB has them as well. One definition is to mean the same
 * on both engines, so it is Trino's meaning that holds; docs/post-hoc-dialect.md says where it does not.
 * https://trino.io/docs/current/functions.html
 */
const MACROS: Macros = [
  // Null as soon as one of them is; DuckDB's leaves nulls out.
  ...[2, 3, 4, 5, 6, 7, 8].map((count): Macros[number] => {
    const names = Array.from({ length: count }, (_, i) => `v${i}`);
    return ['concat', names.join(', '), names.join(' || ')];
  }),
  ...(['greatest', 'least'] as const).flatMap((name) =>
    [2, 3, 4].map((count): Macros[number] => {
      const names = Array.from({ length: count }, (_, i) => `v${i}`);
      const isNull = names.map((v) => `${v} is null`).join(' or ');
      return [
        name,
        names.join(', '),
        `case when ${isNull} then null else system.main.${name}(${names.join(', ')}) end`,
      ];
    }),
  ),
  // Null when there are fewer parts, or nothing matches; DuckDB's is an empty text.
  ['split_part', 's, d, n', 'string_split(s, d)[n]'],
  ['regexp_like', 's, p', 'regexp_matches(s, p)'],
  [
    'regexp_extract',
    's, p',
    'case when regexp_matches(s, p) then system.main.regexp_extract(s, p) end',
  ],
  [
    'regexp_extract',
    's, p, g',
    'case when regexp_matches(s, p) then system.main.regexp_extract(s, p, g) end',
  ],
  // All matches, and groups are $1; DuckDB's is the first one, and \1.
  ['regexp_replace', 's, p', `system.main.regexp_replace(s, p, '', 'g')`],
  ['regexp_replace', 's, p, r', `system.main.regexp_replace(s, p, ${groups('r')}, 'g')`],
  ['element_at', 'a, n', 'a[n]'],
  ['truncate', 'x', 'trunc(x)'],
  ['json_extract_scalar', 'j, p', jsonScalar('try_cast(j as json)')],
  ['json_parse', 's', 'cast(s as json)'],
  ['json_format', 'j', 'cast(j as varchar)'],
  // Of quantities that somebody is billed by nothing is approximate, and two engines estimate differently.
  ['approx_distinct', 'x', `error('approx_distinct is not exact; write count(distinct …)')`],
  ['approx_distinct', 'x, e', `error('approx_distinct is not exact; write count(distinct …)')`],
  ...DATE_MACROS,
  ...URL_MACROS,
];

/** Makes a connection speak so. */
export async function createDialect(connection: Connection): Promise<void> {
  // A quotient of integers is an integer.
  await connection.run('set integer_division = true');
  const overloads = new Map<string, string[]>();
  for (const [name, parameters, body] of MACROS) {
    const all = overloads.get(name) ?? [];
    overloads.set(name, [...all, `(${parameters}) as ${body}`]);
  }
  for (const [name, all] of overloads) {
    await connection.run(`create macro ${name} ${all.join(', ')}`);
  }
}

function groups(replacement: string): string {
  return `system.main.regexp_replace(${replacement}, '\\$(\\d)', '\\\\\\1', 'g')`;
}

/** What has parts is no scalar, and what is no JSON has none. */
function jsonScalar(object: string): string {
  return `case when json_type(${object}, p) not in ('OBJECT', 'ARRAY') then json_extract_string(${object}, p) end`;
}
