import type { Macros } from './macro.ts';

/** https://www.rfc-editor.org/rfc/rfc3986#appendix-B: scheme, authority, path and query are the groups 1 to 4. */
const PARTS = '^(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\\?([^#]*))?(?:#.*)?$';
/** What java.net.URI refuses, by which Trino reads URLs: clients send such, and they have no parts then. */
const NO_URL =
  '[\\x00-\\x20"<>\\\\^`{|}\\x7f]|%(?:[^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)|#.*#|^[^?#]*//[^/?#]*/[^?#]*[\\[\\]]';
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
/** Names with an underscore are none to it. */
const HOST = `^(?:[^@]*@)?((?:${LABEL}\\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\\.?|\\d{1,3}(?:\\.\\d{1,3}){3}|\\[[0-9A-Fa-f:.]+\\])(?::(\\d*))?$`;

const part = (group: number) => `system.main.regexp_extract(u, '${PARTS}', ${group})`;
const ofAuthority = (group: number) =>
  `system.main.regexp_extract(${part(2)}, '${HOST}', ${group})`;
const ofUrl = (value: string) => `case when not regexp_matches(u, '${NO_URL}') then ${value} end`;

/** Null when it decodes to no UTF-8: clients choose it, and none of them may stop a query. */
const decoded = (value: string) => `try(url_decode(${value}))`;

/** Parts of URLs. One that is not there is an empty text; of what is no URL all are null. */
export const URL_MACROS: Macros = [
  ['url_extract_protocol', 'u', ofUrl(part(1))],
  ['url_extract_host', 'u', ofUrl(ofAuthority(1))],
  ['url_extract_port', 'u', ofUrl(`try_cast(${ofAuthority(2)} as bigint)`)],
  [
    'url_extract_path',
    'u',
    // `mailto:x` has none.
    ofUrl(
      `case when ${part(1)} <> '' and ${part(2)} = '' and not starts_with(${part(3)}, '/') then '' else ${decoded(part(3))} end`,
    ),
  ],
  ['url_extract_query', 'u', ofUrl(decoded(part(4)))],
];
