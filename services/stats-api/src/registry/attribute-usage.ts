import { askToAttributeUsage } from '@odometer/queues/attribute-usage';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Logger } from 'pino';

const DEADLINE_MS = 2_000;

/**
 * Asks the worker to apply usage that was kept until a project was registered. It looks every minute by itself, so that
 * Redis is away is no reason to refuse what has been registered.
 */
export async function attributeUsage(
  queue: JobQueue<'registry'>,
  project: { readonly organization: string; readonly project: string },
  log: Logger,
): Promise<void> {
  try {
    await askToAttributeUsage(queue, project, AbortSignal.timeout(DEADLINE_MS));
  } catch (error) {
    log.warn({ event: 'attribution_not_asked', error });
  }
}
