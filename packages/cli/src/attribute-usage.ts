import type { ProjectName } from '@odometer/database/registry';
import { askToAttributeUsage } from '@odometer/queues/attribute-usage';
import type { OpenQueue } from './redis.ts';

/** A person waits, and the command may be given again. */
const DEADLINE_MS = 15_000;

/** Asks the worker to apply what was unattributed until these projects were registered. */
export async function attributeUsage(
  open: OpenQueue,
  projects: readonly ProjectName[],
): Promise<void> {
  const queue = open('registry');
  const signal = AbortSignal.timeout(DEADLINE_MS);
  for (const project of projects) await askToAttributeUsage(queue, project, signal);
}
