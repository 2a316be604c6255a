import { findQueriedMeter } from '@odometer/database/query/queried-meter';
import { queryMeter } from '@odometer/database/query/query-meter';
import { OdometerError } from '@odometer/domain/errors';
import { z } from 'zod';
import {
  type Answer,
  type AnyRoute,
  type ApiParts,
  type Caller,
  defineRoute,
} from '../http/route.ts';
import { meterParams } from '../meters/known-meter.ts';
import { answerCsv } from './answer-csv.ts';
import { answerJson, answerSchema } from './answer-json.ts';
import { type Question, questionBody, questionQuery } from './question-schema.ts';
import { readQuestion } from './read-question.ts';

const route = {
  path: '/api/v1/meters/:meter/query',
  scope: 'read',
  params: z.object(meterParams),
  answers: {
    200: {
      description:
        'Usage by windows, without those that have none; `Accept: text/csv` asks for the same as CSV',
      schema: answerSchema,
    },
  },
} as const;

/** OpenMeter's meter query. */
export const meterQueryRoutes: readonly AnyRoute[] = [
  defineRoute({
    ...route,
    method: 'get',
    summary: 'Usage of a meter',
    query: questionQuery,
    handle: ({ params, query, caller, accept }, { pool }) =>
      answer(pool, params.meter, query, caller, accept),
  }),
  defineRoute({
    ...route,
    method: 'post',
    summary: 'Usage of a meter; the question is the body',
    body: questionBody,
    handle: ({ params, body, caller, accept }, { pool }) =>
      answer(pool, params.meter, body, caller, accept),
  }),
];

async function answer(
  pool: ApiParts['pool'],
  slugOrId: string,
  question: Question,
  caller: Caller,
  accept: string | undefined,
): Promise<Answer> {
  const meter = await findQueriedMeter(pool, slugOrId);
  if (meter === undefined) throw new OdometerError('meter_not_found', { meter: slugOrId });
  const query = readQuestion(question, meter, caller);
  const rows = await queryMeter(pool, query);
  return prefersCsv(accept)
    ? { status: 200, text: answerCsv(query, rows), contentType: 'text/csv' }
    : { status: 200, text: answerJson(question, rows), contentType: 'application/json' };
}

/** Whichever of both is named first. */
function prefersCsv(accept = ''): boolean {
  const types = accept.split(',').map((each) => each.split(';')[0]?.trim().toLowerCase());
  return types.find((type) => type === 'text/csv' || type === 'application/json') === 'text/csv';
}
