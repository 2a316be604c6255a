import { beforeEach, expect, test } from '@jest/globals';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import {
  acknowledge,
  firstUnappliedSeq,
  isApplied,
  lastSealedEpoch,
  openEpoch,
  sealEpoch,
  unsealedEpochsBefore,
} from './sources.ts';

const { pool } = useTestDatabase();
let epoch: string;
const SOURCE = { source: 'counter-0', kind: 'mqtt', instance: 'test' } as const;

beforeEach(async () => {
  await pool.query('delete from source_epochs');
  epoch = await openEpoch(pool, SOURCE);
});

const apply = (seqs: readonly number[]) =>
  pool.query(
    `insert into applied_batches (epoch, seq, received, rejected, accepted, items)
     select $1, unnest($2::bigint[]), 0, 0, 0, 0`,
    [epoch, seqs],
  );

test('an epoch is never given twice, and rises', async () => {
  const epochs = await Promise.all(Array.from({ length: 20 }, () => openEpoch(pool, SOURCE)));
  expect(new Set([...epochs, epoch]).size).toBe(21);
  expect(epochs.every((later) => Number(later) > Number(epoch))).toBe(true);
});

test('after a restore no epoch is given again that was given since, in either order of clocks', async () => {
  await Promise.all(Array.from({ length: 20 }, () => openEpoch(pool, SOURCE)));
  const last = await openEpoch(pool, SOURCE);
  // The backup knew none of them.
  await pool.query('delete from source_epochs');
  expect(Number(await openEpoch(pool, SOURCE))).toBeGreaterThan(Number(last));
  // The clock was ahead when this one was given.
  const ahead = '9000000000000000';
  await pool.query('update source_epochs set epoch = $1', [ahead]);
  expect(await openEpoch(pool, SOURCE)).toBe(String(Number(ahead) + 1));
});

test.each([
  [[], 1],
  [[1, 2, 3], 4],
  [[2, 3], 1],
  [[1, 2, 4, 5, 7], 3],
])('of the applied %j the first that is missing is %d', async (seqs, expected) => {
  await apply(seqs);
  expect(await firstUnappliedSeq(pool, epoch)).toBe(expected);
  expect(await isApplied(pool, epoch, expected)).toBe(false);
});

test('sealed epochs are found with where they ended, unsealed ones with their order', async () => {
  const second = await openEpoch(pool, SOURCE);
  const third = await openEpoch(pool, SOURCE);
  expect(await unsealedEpochsBefore(pool, SOURCE.source, third)).toEqual([epoch, second]);
  expect(await lastSealedEpoch(pool, SOURCE.source)).toBeUndefined();
  await sealEpoch(pool, epoch, 4);
  await sealEpoch(pool, second, 9);
  expect(await unsealedEpochsBefore(pool, SOURCE.source, third)).toEqual([]);
  expect(await lastSealedEpoch(pool, SOURCE.source)).toMatchObject({ epoch: second, sealedSeq: 9 });
});

test('a producer’s word never goes back, and a fenced one is not heard', async () => {
  const read = async () =>
    (
      await pool.query('select acknowledged_seq, accepted from source_epochs where epoch = $1', [
        epoch,
      ])
    ).rows[0] as unknown;
  const books = (accepted: number) => ({ received: accepted, rejected: 0, accepted });
  await acknowledge(pool, { epoch, seq: 5, books: books(50) });
  await acknowledge(pool, { epoch, seq: 4, books: books(40) });
  expect(await read()).toEqual({ acknowledged_seq: '5', accepted: '50' });
  await sealEpoch(pool, epoch, 5);
  await acknowledge(pool, { epoch, seq: 6, books: books(60) });
  expect(await read()).toEqual({ acknowledged_seq: '5', accepted: '50' });
});
