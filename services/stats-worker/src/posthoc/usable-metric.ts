import { findMeter } from '@odometer/database/meters/stored-meter';
import type { Queryable } from '@odometer/database/pool';
import { findPosthocMetric } from '@odometer/database/posthoc/posthoc-metrics';
import { OdometerError } from '@odometer/domain/errors';
import {
  type PosthocDeclaration,
  posthocDeclarationSchema,
  posthocOwner,
} from '@odometer/domain/posthoc/posthoc-declaration';

/**
 * A metric as it is declared now, with a meter that is its own: what another source counts must not be counted twice.
 *
 * @throws OdometerError `target_invalid`
 */
export async function usableMetric(db: Queryable, name: string): Promise<PosthocDeclaration> {
  const found = await findPosthocMetric(db, name);
  const { data: metric } = posthocDeclarationSchema.safeParse(found?.declaration);
  const invalid = (reason: string) =>
    new OdometerError('target_invalid', { target: `post-hoc metric ${name}`, reason });
  if (metric === undefined) throw invalid('it is declared by another version');
  const meter = await findMeter(db, metric.eventType);
  if (meter?.owner !== posthocOwner(name)) {
    throw invalid(`meter ${metric.eventType} belongs to ${meter?.owner ?? 'nobody'}`);
  }
  return metric;
}
