import { OdometerError } from '@odometer/domain/errors';
import type { HttpAnswer } from './ask-once.ts';

/** What an answer means that is none to what was asked. */
export function refusalOf(target: string, { status, body }: HttpAnswer, what = ''): OdometerError {
  const said = errorCode(body);
  const reason = `${what}HTTP ${status}${said === undefined ? '' : `: ${said}`}`;
  const params = { target, reason };
  if (status === 401 || status === 403) return new OdometerError('target_denied', params);
  if (status === 429) return new OdometerError('target_throttled', params);
  if (status >= 500) return new OdometerError('target_unavailable', params);
  return new OdometerError('target_invalid', params);
}

/** `{"errorCode": "invalid_query_string"}`, `{"error": "invalid_client"}`: a code, and no text that may have a secret in it. */
function errorCode(body: Buffer): string | undefined {
  const text = body.toString('utf8', 0, 4_096);
  const find = (field: string) =>
    new RegExp(`"${field}"\\s*:\\s*"([A-Za-z_. -]{1,64})"`).exec(text)?.[1];
  return find('errorCode') ?? find('code') ?? find('error');
}
