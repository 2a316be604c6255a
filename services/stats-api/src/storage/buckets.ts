import { type BucketRow, listBucketLevels } from '@odometer/database/reading/buckets';
import { listBucketObjects } from '@odometer/database/reading/stored-objects';
import { jsonFigure } from '@odometer/domain/json-figure';
import { z } from 'zod';
import { requireInstallation } from '../http/own-organization.ts';
import { pageOf, pageQuery, toPage } from '../http/pages.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { figure, rowId } from '../http/schemas.ts';
import { objectJson, objectSchema, positionOf, readPosition } from './objects.ts';

const levelSchema = z.object({
  type: z.string(),
  bytes: figure,
  objects: figure,
  unattributedBytes: figure.describe('of these, what is nobody’s'),
  unattributedObjects: figure,
});

const bucketSchema = z.object({
  id: rowId,
  name: z.string().describe('as it is declared'),
  bucket: z.string().describe('as the store calls it'),
  region: z.string(),
  account: z.string().nullable(),
  endpoint: z.string().nullable(),
  ledger: z.enum(['full', 'hashed', 'listing']),
  notifications: z.enum(['sqs', 'webhook', 'mqtt', 'none']),
  levels: z.array(levelSchema),
});

function bucketJson({ levels, ...row }: BucketRow): unknown {
  return {
    ...row,
    levels: levels.map((level) => ({
      type: level.type,
      bytes: jsonFigure(level.bytes),
      objects: jsonFigure(level.objects),
      unattributedBytes: jsonFigure(level.unattributedBytes),
      unattributedObjects: jsonFigure(level.unattributedObjects),
    })),
  };
}

export const bucketRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/buckets',
    scope: 'read',
    summary: 'Declared buckets, and what lies in them now by type',
    answers: {
      200: {
        description: 'All of them, by name',
        schema: z.object({ items: z.array(bucketSchema) }),
      },
    },
    async handle({ caller }, { pool }) {
      requireInstallation(caller);
      return { status: 200, json: { items: (await listBucketLevels(pool)).map(bucketJson) } };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/buckets/:bucket/objects',
    scope: 'read',
    summary: 'Objects of a bucket in the order of their keys',
    params: z.object({ bucket: z.string().max(63) }),
    query: z.object({
      prefix: z.string().max(1_024).default('').describe('what the keys begin with'),
      removed: z.boolean().default(false).describe('tombstones of removed objects, too'),
      ...pageQuery,
    }),
    answers: { 200: { description: 'A page of objects', schema: pageOf(objectSchema) } },
    async handle(
      { params: { bucket }, query: { prefix, removed, limit, cursor }, caller },
      { pool },
    ) {
      requireInstallation(caller);
      const after = readPosition(cursor);
      const page = { bucket, prefix, removed, after, limit: limit + 1 };
      const rows = await listBucketObjects(pool, page);
      return { status: 200, json: toPage(rows, limit, positionOf, objectJson) };
    },
  }),
];
