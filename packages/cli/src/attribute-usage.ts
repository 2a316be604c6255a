import { hash } from 'node:crypto';
import type { ProjectName } from '@odometer/database/registry';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import type { OpenQueue } from './redis.ts';

/** A person waits, and the command may be given again. */
const DEADLINE_MS = 15_000;

/**
 * Asks the worker to apply what was unattributed until these projects were registered. The worker looks every minute by
 * itself; this only makes it quick. The id is of the project, so asking twice is asking once.
 */
export async function askToAttributeUsage(
  open: OpenQueue,
  projects: readonly ProjectName[],
): Promise<void> {
  const queue = open('registry');
  const signal = AbortSignal.timeout(DEADLINE_MS);
  for (const { organization, project } of projects) {
    const digest = hash('sha256', `${organization}/${project}`).slice(0, 32);
    await enqueueUntilDurable(
      queue,
      'attribute-usage',
      { organization, project },
      `attribute-usage.${digest}`,
      { signal },
    );
  }
}
