import type { System } from './system.ts';

/** Longer than a killed worker's job waits for another (15 s) is not needed: an active job is not quiet. */
const QUIET_MS = 6_000;

export interface Progress {
  readonly jobs: number;
  /** Messages and events in the facts. */
  readonly messages: number;
  readonly events: number;
}

export async function readProgress(system: System): Promise<Progress> {
  const depths = await Promise.all([...system.queues.values()].map((queue) => queue.depth()));
  const { rows } = await system.db.query<{ messages: string; events: string }>(
    `select coalesce(sum(count) filter (where meter_id in (1, 4)), 0) as messages,
       coalesce(sum(count) filter (where meter_id > 6), 0) as events
     from usage_monthly`,
  );
  return {
    jobs: depths.reduce(
      (sum, { waiting, active, delayed, failed }) => sum + waiting + active + delayed + failed,
      0,
    ),
    messages: Number(rows[0]?.messages),
    events: Number(rows[0]?.events),
  };
}

/**
 * Waits until everything acknowledged is in Postgres, or nothing moves any more: then what is missing will never come.
 * It judges nothing.
 */
export async function settle(system: System, deadlineMs = 90_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  let last = '';
  let since = Date.now();
  while (Date.now() < deadline) {
    const progress = await readProgress(system).catch(() => undefined);
    if (progress !== undefined) {
      const { oracle } = system;
      const isComplete =
        progress.messages >= oracle.acknowledgedMessages &&
        progress.events >= oracle.acknowledgedEvents;
      if (progress.jobs === 0 && isComplete) return;
      const now = JSON.stringify(progress);
      if (now !== last) {
        last = now;
        since = Date.now();
      }
      if (progress.jobs === 0 && Date.now() - since > QUIET_MS) return;
    } else since = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
