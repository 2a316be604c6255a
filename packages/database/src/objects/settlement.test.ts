import { beforeAll, expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { inTransaction } from '../pool.ts';
import { readTuples } from './read-tuples.fixture.ts';
import { lockAccountsToSettle, settleAccounts } from './settlement.ts';

const ACCOUNTS = 10_000;
const AT_ONCE = 500;
const THROUGH_MS = Date.parse('2026-11-22T12:00:00Z');
const { pool } = useTestDatabase();
beforeAll(async () => {
  await pool.query(`
    insert into storage_accounts (project_id, organization_id, settled_through, settled_bytes)
    select n, 1, '2026-11-22 11:00:00Z', 7 from generate_series(1, ${ACCOUNTS}) n;
    analyze;
  `);
});

test('accounts are all settled, and each is walked past once', async () => {
  let last = '0';
  let settled = 0;
  let read = 0;
  for (let some = AT_ONCE; some === AT_ONCE; ) {
    some = await inTransaction(pool, async (transaction) => {
      const before = await readTuples(transaction, 'storage_accounts');
      const accounts = await lockAccountsToSettle(transaction, THROUGH_MS, last, AT_ONCE);
      read += (await readTuples(transaction, 'storage_accounts')) - before;
      last = accounts.at(-1)?.projectId ?? last;
      await settleAccounts(transaction, accounts, THROUGH_MS);
      return accounts.length;
    });
    settled += some;
  }
  expect(settled).toBe(ACCOUNTS);
  expect(read).toBeLessThan(2 * ACCOUNTS);
});
