import type {
  StoredObjectPosition,
  StoredObjectRow,
} from '@odometer/database/reading/stored-objects';
import { listObjectsOf } from '@odometer/database/reading/stored-objects';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { pageOf, pageQuery, readCursor, toPage } from '../http/pages.ts';
import { findKnownProject, projectReference } from '../http/project-reference.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { figure, instant, slug } from '../http/schemas.ts';

export const objectSchema = z.object({
  bucket: z.string(),
  key: z.string().describe('or its hash, where the ledger is hashed'),
  version: z.string().describe('empty for the null version'),
  organization: slug.nullable().describe('null: nobody’s'),
  project: slug.nullable(),
  type: z.string(),
  objectId: z.string().nullable(),
  location: z.string().nullable(),
  bytes: figure,
  storageClass: z.string().nullable(),
  live: z.boolean(),
  createdAt: instant,
  updatedAt: instant,
});

const position = z.tuple([z.string().regex(/^\d{1,9}$/), z.string(), z.string()]);

/** @throws OdometerError `query_invalid` */
export function readPosition(cursor: string | undefined): StoredObjectPosition | undefined {
  const read = readCursor(position, cursor);
  return read && { bucketId: read[0], key: read[1], version: read[2] };
}

export function positionOf({ bucketId, key, version }: StoredObjectPosition): unknown {
  return [bucketId, key, version];
}

export function objectJson({
  bucketId: _bucketId,
  bytes,
  ...row
}: StoredObjectRow & StoredObjectPosition): unknown {
  return { ...row, bytes: jsonFigure(bytes) };
}

export const objectRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/projects/:id/objects',
    scope: 'read',
    summary: 'What lies in buckets of one object of a project: a scene, an upload',
    params: z.object({ id: projectReference }),
    query: z.object({
      type: z.string().max(63),
      objectId: z.string().max(1_024),
      ...pageQuery,
    }),
    answers: { 200: { description: 'A page of live objects', schema: pageOf(objectSchema) } },
    async handle({ params, query: { type, objectId, limit, cursor }, caller }, { pool }) {
      const { id } = await findKnownProject(pool, caller, params.id);
      const after = readPosition(cursor);
      const rows = await listObjectsOf(pool, {
        projectId: id,
        type,
        objectId,
        after,
        limit: limit + 1,
      });
      return { status: 200, json: toPage(rows, limit, positionOf, objectJson) };
    },
  }),
];
