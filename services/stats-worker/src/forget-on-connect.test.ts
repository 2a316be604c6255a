import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createPool } from '@odometer/database/pool';
import { eventually } from '@odometer/testing/eventually';
import { event, hourlySums, openAppliers, Producer } from '../test/applier-fixture.ts';

let system: Awaited<ReturnType<typeof openAppliers>>;
beforeEach(async () => {
  system = await openAppliers();
});
afterEach(() => system.close());

/** Makes it another database to the worker, as a restore does: first it ends every connection. */
async function replaceDatabase(change: string): Promise<void> {
  const operator = createPool(
    { url: system.url, applicationName: 'operator', maxConnections: 1 },
    () => {},
  );
  await operator.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  );
  await operator.query(change);
  await operator.end();
  await eventually(async () => expect(system.pool.totalCount).toBe(0));
}

test('after the database was replaced nobody’s usage is booked to who has their id now', async () => {
  const producer = await new Producer(system.pool, 'events').open();
  await system.events.apply([producer.events(event({ project: 'web', subject: 'acme/web' }))]);
  await replaceDatabase(`update projects set slug = 'innocent' where slug = 'web'`);
  await system.events.apply([producer.events(event({ project: 'web', subject: 'acme/web' }))]);
  expect(await hourlySums(system.pool)).toEqual({
    'acme/innocent api_calls': '1',
    'acme/web api_calls': '1',
  });
});
