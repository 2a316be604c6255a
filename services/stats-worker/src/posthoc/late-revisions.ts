import type { Queryable } from '@odometer/database/pool';
import { listPosthocMetrics } from '@odometer/database/posthoc/posthoc-metrics';
import { durationMs } from '@odometer/domain/posthoc/duration';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import type { Logger } from '@odometer/service-kit/logging';

/** A window becomes due with a bell, which rings every ten minutes. */
const BELL_MS = 600_000;

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
    const { data: metric } = posthocDeclarationSchema.safeParse(declaration);
    const revision = metric?.revisions.at(-1);
    if (metric === undefined || revision === undefined) continue;
    // As late as it may be answered when nothing else waits.
    const answeredMs = durationMs(revision) + BELL_MS + metric.timeoutSeconds * 1_000;
    if (answeredMs <= graceMs) continue;
    const graceHours = graceMs / 3_600_000;
    log.warn({ event: 'posthoc_revision_after_grace', metric: name, revision, graceHours });
  }
}
