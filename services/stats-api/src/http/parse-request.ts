import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { OdometerError } from '@odometer/domain/errors';
import { isJson, isUtf8Charset, parseMediaType } from '@odometer/service-kit/http/media-type';
import { readBody, UnreadBody } from '@odometer/service-kit/http/read-body';
import { jsonProblem } from '@odometer/service-kit/json-problem';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import type { ZodType } from 'zod';

/** Ours are questions and declarations; the largest sensible one is some kilobytes. */
const MAX_BODY_BYTES = 1_000_000;

/** Sentences in one problem. Enough to mend a request; a thousand help nobody. */
const MAX_PROBLEMS = 20;

/**
 * Checks one part of a request by its schema.
 *
 * @param root what the part is called where it is wrong as a whole.
 * @throws OdometerError `request_invalid` with a sentence for each problem.
 */
export function parsePart<T>(schema: ZodType<T> | undefined, value: unknown, root: string): T {
  const bad = jsonProblem(value, root);
  if (bad !== undefined) throw new OdometerError('request_invalid', { problems: bad });
  // A route without a schema does not look at this part.
  if (schema === undefined) return undefined as T;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = schemaProblems(schema, parsed.error, root).slice(0, MAX_PROBLEMS);
  throw new OdometerError('request_invalid', { problems: problems.join('; ') });
}

/**
 * Reads a JSON body.
 *
 * @throws OdometerError `request_invalid`, `body_too_large`
 * @throws ClientGone
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const media = parseMediaType(request.headers['content-type']);
  if ((media.essence !== '' && !isJson(media)) || !isUtf8Charset(media)) {
    throw invalid('the body should be JSON, with the content type application/json');
  }
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body instanceof UnreadBody) {
    throw body.code === 'too_large'
      ? new OdometerError('body_too_large', { maxBytes: MAX_BODY_BYTES })
      : invalid(body.reason);
  }
  if (!isUtf8(body)) throw invalid('the body is not valid UTF-8');
  try {
    return JSON.parse(body.toString());
  } catch {
    throw invalid('the body is not valid JSON');
  }
}

function invalid(problems: string): OdometerError {
  return new OdometerError('request_invalid', { problems });
}
