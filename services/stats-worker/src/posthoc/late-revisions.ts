import type { Queryable } from '@odometer/database/pool';
import { listPosthocMetrics } from '@odometer/database/posthoc/posthoc-metrics';
import { durationMs } from '@odometer/domain/posthoc/duration';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import type { Logger } from '@odometer/service-kit/logging';

/**
 * Tells of metrics whose last windows of a month are asked for once more when it may be closed already: what is found then is an
 * adjustment of the next month. Who declares a metric need not know the months' grace, which is this worker's setting.
 */
export async function warnOfLateRevisions(
  db: Queryable,
  graceMs: number,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  for (const { name, declaration } of await listPosthocMetrics(db)) {
    const last = posthocDeclarationSchema.safeParse(declaration).data?.revisions.at(-1);
    if (last === undefined || durationMs(last) <= graceMs) continue;
    const graceHours = graceMs / 3_600_000;
    log.warn({ event: 'posthoc_revision_after_grace', metric: name, revision: last, graceHours });
  }
}
