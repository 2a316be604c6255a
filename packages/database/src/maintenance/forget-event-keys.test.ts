import { beforeEach, expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { claimEventKeys } from '../event-keys.ts';
import { inTransaction } from '../pool.ts';
import { openEpoch } from '../sources.ts';
import { forgetEventKeys } from './forget-event-keys.ts';

const { pool } = useTestDatabase();
beforeEach(async () => {
  await pool.query('truncate sources, source_epochs, event_keys, event_key_walks');
  await openEpoch(pool, { source: 'ingest-0', kind: 'events', instance: 'test' });
  await pool.query("update source_epochs set opened_at = '2020-01-01'");
});

const OLD = '2025-10-17';
const CUTOFF = '2025-10-18';
const TODAY = '2026-11-22';
const keyOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const claims = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    key: keyOf(from + i),
    fingerprint: String(from + i),
  }));
const claim = (from: number, to: number, day: string) =>
  inTransaction(pool, (transaction) => claimEventKeys(transaction, claims(from, to), day));
const forget = (signal = new AbortController().signal) => forgetEventKeys(pool, CUTOFF, signal);

async function keysLeft(): Promise<number> {
  const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from event_keys');
  return rows[0]?.n ?? 0;
}

test('forgets what was last seen before the day, in every partition, and nothing else', async () => {
  await claim(0, 2_000, OLD);
  await claim(2_000, 3_000, CUTOFF);
  await claim(0, 100, CUTOFF);
  expect(await forget()).toBe(1_900);
  expect(await forget()).toBe(0);
  expect(await keysLeft()).toBe(1_100);
});

test('asks no table for anything while the installation is younger than a claim may be', async () => {
  await pool.query("update source_epochs set opened_at = '2026-01-01'");
  await claim(0, 10, OLD);
  expect(await forget()).toBe(0);
  expect(await keysLeft()).toBe(10);
});

test('stops when it is told to', async () => {
  await claim(0, 10, OLD);
  expect(await forget(AbortSignal.abort())).toBe(0);
  expect(await forget()).toBe(10);
});

test('begins anew after the end, and where a partition has shrunk', async () => {
  await claim(0, 100, OLD);
  await pool.query(
    `insert into event_key_walks select 'event_keys_' || n, 1000000 from generate_series(0, 7) n`,
  );
  expect(await forget()).toBe(100);
  await claim(100, 200, OLD);
  expect(await forget()).toBe(100);
});

test('leaves a claim alone that an applier holds, without waiting for it', async () => {
  await claim(0, 1, OLD);
  await inTransaction(pool, async (transaction) => {
    expect(await claimEventKeys(transaction, claims(0, 1), TODAY)).toEqual(
      new Map([[keyOf(0), '0']]),
    );
    expect(await forget()).toBe(0);
  });
  expect(await forget()).toBe(0);
  expect(await keysLeft()).toBe(1);
});

test('a claim that is forgotten while an applier looks at it is made anew, not believed to be there', async () => {
  await claim(0, 2, OLD);
  await claim(1, 2, TODAY);
  const deleter = await pool.connect();
  const taken = await inTransaction(pool, async (transaction) => {
    // The applier's insert finds the key taken; before its second statement the key is forgotten.
    let statements = 0;
    const between: typeof transaction = Object.assign(Object.create(transaction), {
      query: async (...args: Parameters<typeof transaction.query>) => {
        statements += 1;
        if (statements === 2)
          await deleter.query('delete from event_keys where key = $1', [keyOf(0)]);
        return transaction.query(...args);
      },
    });
    return claimEventKeys(between, claims(0, 2), TODAY);
  });
  deleter.release();
  expect(taken).toEqual(new Map([[keyOf(1), '1']]));
  expect(await claim(0, 2, TODAY)).toEqual(
    new Map([
      [keyOf(0), '0'],
      [keyOf(1), '1'],
    ]),
  );
});
