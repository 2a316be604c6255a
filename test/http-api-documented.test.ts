import { test } from '@jest/globals';
import { routes } from '../services/stats-api/src/routes.ts';
import { holdEqual } from './documentation/hold-equal.ts';
import { httpApiMarkdown } from './documentation/http-api-markdown.ts';

test('docs/http-api.md lists the routes that the server runs; refresh it with UPDATE_DOCS=1', () => {
  holdEqual('http-api.md', httpApiMarkdown(routes));
});
