import { expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { readPeriodsProgress } from './read-progress.ts';

const { pool } = useTestDatabase();

test('of the months that wait, the one whose grace is over first is told, and none when none waits', async () => {
  expect((await readPeriodsProgress(pool)).oldestDueAt).toBeUndefined();
  const { rows } = await pool.query<{ id: string }>(
    "insert into organizations (slug) values ('acme') returning id",
  );
  for (const [month, due] of [
    ['2026-02-01', '2026-03-04'],
    ['2026-01-01', '2026-02-04'],
  ]) {
    await pool.query(
      `insert into periods (organization_id, month, state, drafted_at, due_at, held_up_by)
       values ($1, $2, 'draft', now(), $3, '{a job}')`,
      [rows[0]?.id, `${month}T00:00:00Z`, `${due}T00:00:00Z`],
    );
  }
  expect(await readPeriodsProgress(pool)).toMatchObject({
    oldestDueAt: new Date('2026-02-04T00:00:00Z'),
    unfinished: { draft: 0, held_up: 2, closing: 0 },
  });
});
