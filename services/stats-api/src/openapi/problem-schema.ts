/** RFC 9457, as every address answers what it refuses. */
export const PROBLEM_SCHEMA = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'instance'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'a sentence for each problem' },
    instance: { type: 'string' },
    extensions: {
      type: 'object',
      properties: { code: { type: 'string', description: 'from docs/errors.md' } },
    },
  },
} as const;

export const PROBLEM_ANSWER = {
  description:
    'A problem: 400 with what is wrong, 401 without a key, 403 when the key may not, 404, 405, 409, 413, 429 and 503 with Retry-After.',
  content: {
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  },
} as const;
