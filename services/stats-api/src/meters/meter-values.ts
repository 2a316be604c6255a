import { listDimensionValues } from '@odometer/database/meters/dimension-values';
import { listMeterSubjects } from '@odometer/database/meters/meter-subjects';
import { OdometerError } from '@odometer/domain/errors';
import { parseValuePath } from '@odometer/domain/value-path';
import { z } from 'zod';
import { type AnyRoute, defineRoute } from '../http/route.ts';
import { findKnownMeter, meterParams } from './known-meter.ts';
import { subjectKey } from './subject-key.ts';

const DAY_MS = 86_400_000;

const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
const range = { from: time.optional(), to: time.optional() };

/** @throws OdometerError `query_invalid` when it ends before it begins. */
function requireForward(from: Date | undefined, to: Date | undefined): void {
  if (from !== undefined && to !== undefined && to <= from) {
    throw new OdometerError('query_invalid', { parameter: 'to', problem: 'should be after from' });
  }
}

/** What a meter can be asked about: whose usage it has, and which values its dimensions. */
export const meterValueRoutes: readonly AnyRoute[] = [
  defineRoute({
    method: 'get',
    path: '/api/v1/meters/:meter/subjects',
    scope: 'read',
    summary: 'The subjects that used a meter, by whole hours of the range',
    params: z.object(meterParams),
    query: z.object(range),
    answers: { 200: { description: 'Their keys', schema: z.array(z.string()) } },
    async handle({ params, query: { from, to }, caller }, { pool }) {
      requireForward(from, to);
      const { id } = await findKnownMeter(pool, params.meter);
      const projects = await listMeterSubjects(pool, {
        meterId: id,
        organization: caller.organization,
        from: from ?? null,
        to: to ?? null,
      });
      return { status: 200, json: projects.map((project) => subjectKey(project, caller)) };
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/v1/meters/:meter/group-by/:key/values',
    scope: 'read',
    summary:
      'The values of a dimension that events had, of the last 24 hours when no range is given',
    params: z.object({ ...meterParams, key: z.string().min(1).max(63).describe('the dimension') }),
    query: z.object(range),
    answers: { 200: { description: 'At most 10,000 values', schema: z.array(z.string()) } },
    async handle({ params: { meter, key }, query: { from, to }, caller }, { pool, nowMs }) {
      requireForward(from, to);
      const { eventType, groupBy } = await findKnownMeter(pool, meter);
      const text = Object.hasOwn(groupBy, key) ? groupBy[key] : undefined;
      const path = text === undefined ? undefined : parseValuePath(text);
      if (eventType === null || path === undefined) {
        const known = Object.keys(groupBy).sort().join(', ');
        throw new OdometerError('query_invalid', {
          parameter: 'group-by',
          problem: `${JSON.stringify(key)} is no dimension of this meter; it has ${known === '' ? 'none' : known}`,
        });
      }
      const until = to ?? new Date(nowMs());
      const values = await listDimensionValues(pool, {
        eventType,
        path,
        organization: caller.organization,
        from: from ?? new Date(until.getTime() - DAY_MS),
        to: until,
      });
      return { status: 200, json: values };
    },
  }),
];
