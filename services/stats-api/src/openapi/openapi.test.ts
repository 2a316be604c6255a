import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { type ApiFixture, startApi } from '../../test/api-fixture.ts';
import { CLOSED_MONTH, seed } from '../../test/seed.ts';
import { DOCUMENT_PATH } from '../http/http-server.ts';
import { routes } from '../routes.ts';
import { templateOf } from './document.ts';
import { INGEST_PATHS } from './ingest-paths.ts';

/** The document is what the running server says of itself, and the server does what it says. */

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
  }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let api: ApiFixture;
let document: Document;

beforeAll(async () => {
  api = await startApi();
  await seed(api.pool);
  document = (await api.ask(`GET ${DOCUMENT_PATH}`, { key: null })).json<Document>();
}, 60_000);

afterAll(() => api.stop());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

const isOurs = ({ path }: { path: string }) => !(path in INGEST_PATHS);

/** Values for what stands in a path. */
const VALUES: Readonly<Record<string, string>> = {
  bucket: 'assets',
  project: 'acme%2Fweb',
  organization: 'acme',
  month: CLOSED_MONTH,
  id: '1',
  meter: 'tokens',
  key: 'model',
  slug: 'team',
  subject: 'acme%2Fweb',
};

function address(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => VALUES[name] ?? name);
}

test('it needs no key, and names each operation once', () => {
  expect(document.openapi).toBe('3.1.0');
  const ids = operations().map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every route is in it, and nothing else but what ingest-api serves', () => {
  const documented = operations()
    .filter(isOurs)
    .map(({ path, method }) => `${method} ${path}`);
  const served = routes.map(({ path, method }) => `${method} ${templateOf(path)}`);
  expect(documented.toSorted()).toEqual([...served, `get ${DOCUMENT_PATH}`].toSorted());
});

test('the running server knows every operation of it', async () => {
  for (const { path, method } of operations().filter(isOurs)) {
    if (path === DOCUMENT_PATH) continue;
    // Without a key a route answers 401; an unknown address 404, an unknown method 405.
    const { status } = await api.ask(`${method.toUpperCase()} ${address(path)}`, { key: null });
    expect([method, path, status]).toEqual([method, path, 401]);
  }
});

test('every parameter of a path is documented and required', () => {
  for (const { path, operation } of operations().filter(isOurs)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const documented = (operation.parameters ?? []).filter((each) => each.in === 'path');
    expect([path, documented.map(({ name }) => name)]).toEqual([path, inPath]);
    expect(documented.every(({ required }) => required)).toBe(true);
  }
});

describe('answers', () => {
  const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true, date: true } });

  function validate(schema: object, value: unknown): unknown {
    const check = ajv.compile(schema);
    return check(value) ? [] : check.errors;
  }

  test('of every GET fit its schema, and hold nothing that it does not name', async () => {
    const gets = operations().filter(({ path, method }) => method === 'get' && isOurs({ path }));
    for (const { path, operation } of gets) {
      if (path === DOCUMENT_PATH) continue;
      const required = (operation.parameters ?? []).filter(
        (each) => each.in === 'query' && each.required,
      );
      // What other folders' routes demand in the query, their own tests hold against the document.
      if (required.length > 0) continue;
      const answer = await api.ask(`GET ${address(path)}`);
      const type = answer.headers.get('content-type') ?? '';
      const schema = operation.responses[String(answer.status)]?.content?.[type]?.schema;
      expect([path, answer.status, schema === undefined ? answer.text : 'documented']).toEqual([
        path,
        200,
        'documented',
      ]);
      const json = answer.json();
      const { items } = json as { readonly items?: unknown };
      // An empty page would fit any schema.
      if (Array.isArray(items)) expect([path, items.length > 0]).toEqual([path, true]);
      expect([path, validate(schema ?? {}, json)]).toEqual([path, []]);
    }
  });

  test('that are problems fit theirs', async () => {
    const { components } = document as unknown as {
      components: { schemas: { Problem: object } };
    };
    for (const path of ['projects/0', 'projects/acme%2Fnone', 'nothing', 'projects?limit=0']) {
      const answer = await api.ask(`GET /api/v1/${path}`);
      expect([path, validate(components.schemas.Problem, answer.json())]).toEqual([path, []]);
    }
  });
});
