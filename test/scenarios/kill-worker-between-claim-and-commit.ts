import { eventually } from '@odometer/testing/eventually';
import { compare } from '../harness/compare.ts';
import type { Scenario } from '../harness/scenario.ts';
import type { System } from '../harness/system.ts';
import { underLoad } from '../harness/under-load.ts';

/**
 * The moment at which it matters that the claim and the count are one transaction: the claim is made, the count waits for
 * a row that we hold, and the worker dies.
 */
export const killWorkerBetweenClaimAndCommit: Scenario = {
  name: 'totals are exact when stats-worker is killed between claim and commit',
  system: {},
  async run(system, random) {
    const kill = async () => {
      const [worker] = system.workers;
      const unlock = await lockUsage(system);
      await eventually(() => waitsForOurLock(system), { deadlineMs: 30_000 });
      await worker?.kill();
      await unlock();
    };
    const violations = await underLoad(system, random, [kill, kill]);
    return [...violations, ...(await compare(system))];
  },
};

/** Holds every row of usage_monthly until the returned function is called; waits until there is one. */
async function lockUsage(system: System): Promise<() => Promise<void>> {
  const client = await system.db.connect();
  await eventually(
    async () => {
      await client.query('begin');
      const { rowCount } = await client.query(
        'select 1 from usage_monthly order by project_id, meter_id, month for update',
      );
      if (rowCount === 0) await client.query('rollback');
      return rowCount !== 0;
    },
    { deadlineMs: 30_000 },
  );
  return async () => {
    await client.query('rollback');
    client.release();
  };
}

/** A worker's session, behind its claim, waits for a row. */
async function waitsForOurLock(system: System): Promise<boolean> {
  const { rowCount } = await system.db.query(
    `select 1 from pg_stat_activity
     where application_name = 'odometer stats-worker' and wait_event_type = 'Lock' and query like '%usage_monthly%'`,
  );
  return rowCount !== null && rowCount > 0;
}
