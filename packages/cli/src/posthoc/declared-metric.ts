import type { Queryable } from '@odometer/database/pool';
import { findPosthocMetric } from '@odometer/database/posthoc/posthoc-metrics';
import { OdometerError } from '@odometer/domain/errors';
import {
  type PosthocDeclaration,
  posthocDeclarationSchema,
  windowMs,
} from '@odometer/domain/posthoc/posthoc-declaration';

/** @throws OdometerError `target_not_declared`, `query_invalid`: another version has declared it */
export async function declaredMetric(db: Queryable, name: string): Promise<PosthocDeclaration> {
  const found = await findPosthocMetric(db, name);
  if (found === undefined) throw new OdometerError('target_not_declared', { target: name });
  const { data } = posthocDeclarationSchema.safeParse(found.declaration);
  if (data === undefined) throw invalid('name', `${name} is declared by another version`);
  return data;
}

export interface Window {
  readonly windowStart: Date;
  readonly windowEnd: Date;
}

/**
 * The window that begins at an instant; without one the last that has ended.
 *
 * @throws OdometerError `query_invalid`: none begins there, or it has not ended.
 */
export function windowAt(
  { window }: PosthocDeclaration,
  startMs: number | undefined,
  nowMs: number,
): Window {
  const lengthMs = windowMs(window);
  const fromMs = startMs ?? Math.floor(nowMs / lengthMs) * lengthMs - lengthMs;
  if (fromMs % lengthMs !== 0) {
    throw invalid(
      '--window',
      `should be where ${window === 'hour' ? 'an hour' : 'a day'} of UTC begins`,
    );
  }
  if (fromMs + lengthMs > nowMs) throw invalid('--window', 'should have ended');
  return { windowStart: new Date(fromMs), windowEnd: new Date(fromMs + lengthMs) };
}

function invalid(parameter: string, problem: string): OdometerError {
  return new OdometerError('query_invalid', { parameter, problem });
}
