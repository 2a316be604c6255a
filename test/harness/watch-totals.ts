import type { System } from './system.ts';

const INTERVAL_MS = 250;

/**
 * Looks at the totals all through a run: none may ever exceed what was attempted, and the hours of a meter always add up
 * to its months. While Postgres is away it waits.
 * @returns a function that stops it and says what it saw.
 */
export function watchTotals(
  system: System,
  brokerRepeats: boolean,
): () => Promise<readonly string[]> {
  const violations = new Set<string>();
  let stopped = false;
  const watch = async () => {
    while (!stopped) {
      await look(system, violations, brokerRepeats).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
  };
  const watching = watch();
  return async () => {
    stopped = true;
    await watching;
    return [...violations];
  };
}

async function look(
  system: System,
  violations: Set<string>,
  brokerRepeats: boolean,
): Promise<void> {
  const { oracle, db } = system;
  const { rows } = await db.query<{ messages: string; events: string }>(
    `select coalesce(sum(count) filter (where meter_id in (1, 4)), 0) as messages,
       coalesce(sum(count) filter (where meter_id > 6), 0) as events
     from usage_monthly`,
  );
  // Read after the totals: it can only have grown meanwhile.
  const { attemptedMessages, attemptedEvents } = oracle;
  const [messages, events] = [Number(rows[0]?.messages), Number(rows[0]?.events)];
  if (messages > attemptedMessages && !brokerRepeats)
    violations.add('during the run, more messages were counted than were published');
  if (events > attemptedEvents)
    violations.add('during the run, more events were counted than were posted');
  if (await hoursDifferFromMonths(db)) {
    violations.add('during the run, the hours of a meter did not add up to its months');
  }
}

/** One statement, so one snapshot. */
export async function hoursDifferFromMonths(db: System['db']): Promise<boolean> {
  const { rows } = await db.query<{ different: boolean }>(
    `select exists (
       select 1
       from (select project_id, meter_id, date_trunc('month', hour, 'UTC') as month, sum(sum) as sum, sum(count) as count
             from usage_hourly group by 1, 2, 3) h
       full join usage_monthly m using (project_id, meter_id, month)
       where h.sum is distinct from m.sum or h.count is distinct from m.count
     ) as different`,
  );
  return rows[0]?.different === true;
}
