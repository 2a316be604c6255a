import { buildVersion } from '@odometer/service-kit/version';
import { type ZodType, z } from 'zod';
import { DOCUMENT_PATH } from '../http/http-server.ts';
import type { AnswerDocument, AnyRoute } from '../http/route.ts';
import { INGEST_PATHS } from './ingest-paths.ts';
import { PROBLEM_ANSWER, PROBLEM_SCHEMA } from './problem-schema.ts';

type Json = Readonly<Record<string, unknown>>;

/** The OpenAPI 3.1 document of the routes, and in short what the same address takes elsewhere. */
export function openApiDocument(routes: readonly AnyRoute[]): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = templateOf(route.path);
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Odometer',
      version: buildVersion(),
      description:
        'Usage statistics and metering. Figures that a double cannot hold are decimal text. Times are UTC, ranges half-open.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }],
    paths: { ...paths, ...INGEST_PATHS, [DOCUMENT_PATH]: { get: DOCUMENT_OPERATION } },
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'an API key' } },
      schemas: { Problem: PROBLEM_SCHEMA },
    },
  };
}

const DOCUMENT_OPERATION: Json = {
  operationId: 'getOpenapiJson',
  summary: 'This document',
  security: [],
  responses: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': {} } } },
};

function operation(route: AnyRoute): Json {
  return {
    operationId: operationId(route),
    summary: route.summary,
    description: `Needs a key with the scope \`${route.scope}\`.`,
    parameters: [...parameters(route.params, 'path'), ...parameters(route.query, 'query')],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: jsonSchema(route.body, 'input') } },
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, answer]) => [status, answerOf(answer)]),
      ),
      default: PROBLEM_ANSWER,
    },
  };
}

function answerOf({ description, schema, contentType = 'application/json' }: AnswerDocument): Json {
  if (schema === undefined) return { description };
  return { description, content: { [contentType]: { schema: jsonSchema(schema, 'output') } } };
}

function parameters(schema: ZodType | undefined, place: 'path' | 'query'): readonly Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    readonly properties?: Readonly<
      Record<string, { readonly description?: string; readonly type?: string }>
    >;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...each }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    ...(each.type === 'object' ? { style: 'deepObject', explode: true } : {}),
    schema: each,
  }));
}

/** Inline, because each is short; `$defs` of one schema would not be found from another. */
function jsonSchema(schema: ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    reused: 'inline',
    // A schema's name is for people only.
    override: ({ jsonSchema: each }) => {
      delete each.id;
    },
  });
  return rest;
}

/** `/projects/:id` is `/projects/{id}`. */
export function templateOf(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

/** `GET /api/v1/projects/:id/stats` is `getProjectsByIdStats`. */
function operationId({ method, path }: AnyRoute): string {
  const words = path
    .replace('/api/v1', '')
    .split(/[/-]/)
    .filter((word) => word !== '')
    .map((word) => (word.startsWith(':') ? `by-${word.slice(1)}` : word))
    .flatMap((word) => word.split('-'));
  return method + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
