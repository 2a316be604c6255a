import { hash } from 'node:crypto';
import { enqueueUntilDurable } from './enqueue-until-durable.ts';
import type { JobQueue } from './job-queue.ts';

/**
 * Asks the worker to apply what was unattributed until a project was registered. The worker looks every minute by itself;
 * this only makes it quick. The id is of the project, so asking twice is asking once.
 *
 * @throws the signal's reason when it was aborted first.
 */
export async function askToAttributeUsage(
  queue: JobQueue<'registry'>,
  { organization, project }: { readonly organization: string; readonly project: string },
  signal: AbortSignal,
): Promise<void> {
  const digest = hash('sha256', `${organization}/${project}`).slice(0, 32);
  const id = `attribute-usage.${digest}`;
  await enqueueUntilDurable(queue, 'attribute-usage', { organization, project }, id, { signal });
}
