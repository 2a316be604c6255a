import { addMeter, removeMeter, updateMeter } from '@odometer/database/meters/administer-meters';
import { listMeters, type StoredMeter } from '@odometer/database/meters/stored-meter';
import { meterChangeSchema, meterFields, requireValue } from '@odometer/domain/meter-declaration';
import { z } from 'zod';
import { actorOf } from '../http/actor.ts';
import { requireInstallation } from '../http/own-organization.ts';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { countBack } from './count-back.ts';
import { findKnownMeter, meterParams } from './known-meter.ts';
import { meterJson, meterSchema } from './meter-json.ts';

/** What OpenMeter orders a list by, and `slug`, which it calls `key`. */
const ORDERS = ['key', 'slug', 'name', 'aggregation', 'createdAt', 'updatedAt'] as const;

const listQuery = z.object({
  page: z.int().min(1).default(1),
  pageSize: z.int().min(1).max(1_000).default(1_000),
  order: z.enum(['ASC', 'DESC']).default('ASC'),
  orderBy: z.enum(ORDERS).optional().describe('by id when left out, the built-in ones first'),
  includeDeleted: z.boolean().optional().describe('deleted meters leave nothing behind'),
});

/** As a file declares it, but a value path of COUNT is passed over, as OpenMeter does. */
const createBody = z
  .strictObject(meterFields)
  .transform(({ valueProperty, ...meter }) =>
    meter.aggregation === 'count' || valueProperty === undefined
      ? meter
      : { ...meter, valueProperty },
  )
  .superRefine(requireValue);

const meterAnswer = { description: 'The meter', schema: meterSchema };

export const meterRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/meters',
    scope: 'read',
    summary: 'Meters',
    query: listQuery,
    answers: { 200: { description: 'The meters', schema: z.array(meterSchema) } },
    async handle({ query: { page, pageSize, order, orderBy } }, { pool }) {
      const meters = sorted(await listMeters(pool), orderBy);
      if (order === 'DESC') meters.reverse();
      const start = (page - 1) * pageSize;
      return { status: 200, json: meters.slice(start, start + pageSize).map(meterJson) };
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/v1/meters',
    scope: 'admin',
    summary:
      'Create a meter. Events that came before it are counted, too, but never billed in a month that is closed',
    body: createBody,
    answers: { 201: meterAnswer },
    async handle({ body, caller }, parts) {
      requireInstallation(caller);
      const meter = await addMeter(parts.pool, body, actorOf(caller));
      await countBack(meter, parts);
      return { status: 201, json: meterJson(meter) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/meters/:meter',
    scope: 'read',
    summary: 'One meter',
    params: z.object(meterParams),
    answers: { 200: meterAnswer },
    async handle({ params: { meter } }, { pool }) {
      return { status: 200, json: meterJson(await findKnownMeter(pool, meter)) };
    },
  }),
  defineRoute({
    method: 'put',
    path: '/api/v1/meters/:meter',
    scope: 'admin',
    summary:
      'Change a meter; what is left out stays. What counted usage means (event type, aggregation, value) cannot be changed',
    params: z.object(meterParams),
    body: meterChangeSchema,
    answers: { 200: meterAnswer },
    async handle({ params: { meter }, body, caller }, { pool }) {
      requireInstallation(caller);
      const changed = await updateMeter(pool, meter, body, actorOf(caller));
      return { status: 200, json: meterJson(changed) };
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/api/v1/meters/:meter',
    scope: 'admin',
    summary: 'Delete a meter that nothing was counted by and no plan limits',
    params: z.object(meterParams),
    answers: { 204: { description: 'It is deleted' } },
    async handle({ params: { meter }, caller }, { pool }) {
      requireInstallation(caller);
      await removeMeter(pool, meter, actorOf(caller));
      return { status: 204 };
    },
  }),
];

function sorted(
  meters: readonly StoredMeter[],
  orderBy: (typeof ORDERS)[number] | undefined,
): StoredMeter[] {
  if (orderBy === undefined) return [...meters];
  const key = (meter: StoredMeter): string | number => {
    if (orderBy === 'createdAt' || orderBy === 'updatedAt') return meter[orderBy].getTime();
    if (orderBy === 'name') return meter.name ?? meter.slug;
    return orderBy === 'aggregation' ? meter.aggregation : meter.slug;
  };
  return meters.toSorted((a, b) => {
    const [left, right] = [key(a), key(b)];
    return left < right ? -1 : left > right ? 1 : a.id - b.id;
  });
}
