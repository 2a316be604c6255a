import { row } from './hold-equal.ts';

/** What the list needs to know of a route. */
interface ListedRoute {
  readonly method: string;
  readonly path: string;
  readonly scope: string;
  readonly summary: string;
}

/** The text of docs/http-api.md: every address of the query and administration API. */
export function httpApiMarkdown(routes: readonly ListedRoute[]): string {
  return [
    '# The HTTP API',
    '',
    'One public address, split by path: `/api/v1/events` and `/webhooks` are ingest-api’s (its README says what they take), all',
    'else is stats-api’s, and listed here. `GET /api/v1/openapi.json` needs no key and is the OpenAPI 3.1 document of all of it:',
    'parameters, bodies, answers. This list and that document are made of the routes that the server runs.',
    '',
    '`Authorization: Bearer <key>`; the scope `admin` includes `read`. A key that is bound to an organization gets 403 for whatever is',
    'not of that organization, whether it exists or not. `{project}` is a number, or `organization%2Fproject`.',
    '',
    'Listings answer `{"items": […], "nextCursor": "…"}`; ask again with `cursor=` until it is null (`limit` up to 1,000). Ranges are',
    'half-open: `to` is the first day or month that is not asked for. Figures beyond 2^53, and fractions, are decimal text. What is refused is an RFC 9457 problem,',
    'whose `extensions.code` is one of [errors.md](errors.md).',
    '',
    'Generated from the routes; refresh with `UPDATE_DOCS=1 pnpm jest test/http-api-documented.test.ts`.',
    '',
    '| request | scope | what it answers |',
    '|---|---|---|',
    ...routes.map(({ method, path, scope, summary }) =>
      row([
        `\`${method.toUpperCase()} ${path.replace(/:(\w+)/g, '{$1}')}\``,
        `\`${scope}\``,
        summary,
      ]),
    ),
    '',
  ].join('\n');
}
