import { PROBLEM_ANSWER } from './problem-schema.ts';

/**
 * What ingest-api serves behind the same public address, in short; its README has the rest. Written down here because no
 * service imports another.
 */
export const INGEST_PATHS = {
  '/api/v1/events': {
    get: {
      operationId: 'listEvents',
      summary: 'Recent events as they were stored, newest first (ingest-api)',
      parameters: [
        ...['from', 'to', 'ingestedAtFrom', 'ingestedAtTo'].map((name) => ({
          name,
          in: 'query',
          schema: { type: 'string', format: 'date-time' },
        })),
        ...['id', 'subject'].map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
        { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 100 } },
      ],
      responses: {
        200: {
          description: 'The events',
          content: { 'application/json': { schema: { type: 'array' } } },
        },
        default: PROBLEM_ANSWER,
      },
    },
    post: {
      operationId: 'postEvents',
      summary: 'CloudEvents: one, or a batch of up to 1,000; durable when answered (ingest-api)',
      requestBody: {
        required: true,
        content: {
          'application/cloudevents+json': { schema: { type: 'object' } },
          'application/cloudevents-batch+json': { schema: { type: 'array' } },
          'application/json': { schema: { type: ['object', 'array'] } },
        },
      },
      responses: {
        200: { description: 'Item by item, when asked with Prefer: return=representation' },
        204: { description: 'All events are durable' },
        default: PROBLEM_ANSWER,
      },
    },
  },
  '/webhooks/{name}': {
    post: {
      operationId: 'postWebhook',
      summary: "Somebody else's notifications, mapped to events by a declaration (ingest-api)",
      security: [],
      parameters: [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }],
      requestBody: { required: true, content: { 'application/json': {} } },
      responses: {
        200: { description: 'How many records were accepted, ignored and rejected' },
        default: PROBLEM_ANSWER,
      },
    },
  },
} as const;
