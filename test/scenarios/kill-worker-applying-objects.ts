import { eventually } from '@odometer/testing/eventually';
import { bucketUnderLoad } from '../harness/bucket-under-load.ts';
import type { Scenario } from '../harness/scenario.ts';
import type { System } from '../harness/system.ts';

/** The claim is made, the ledger is written, its levels wait for rows that we hold, and the worker dies. */
export const killWorkerApplyingObjects: Scenario = {
  name: 'the ledger is the bucket when stats-worker is killed between claim and commit',
  system: { watcher: true, counter: false, ingests: 0 },
  run(system, random) {
    const kill = async () => {
      const [worker] = system.workers;
      const unlock = await lockLevels(system);
      await eventually(() => waitsForOurLock(system), { deadlineMs: 30_000 });
      await worker?.kill();
      await unlock();
    };
    return bucketUnderLoad(system, random, [kill, kill]);
  },
};

/** Holds every row of storage_levels until the returned function is called; waits until there is one. */
async function lockLevels(system: System): Promise<() => Promise<void>> {
  const client = await system.db.connect();
  await eventually(
    async () => {
      await client.query('begin');
      const { rowCount } = await client.query(
        'select 1 from storage_levels order by bucket_id, project_id, metered_object_type for update',
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
     where application_name = 'odometer stats-worker' and wait_event_type = 'Lock' and query like '%storage_levels%'`,
  );
  return rowCount !== null && rowCount > 0;
}
