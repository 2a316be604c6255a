import { beforeEach, describe, expect, test } from '@jest/globals';
import type { BatchOutcome } from '@odometer/domain/batch';
import { seededRandom } from '@odometer/testing/seeded-random';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { claimBatches, claimKey, recordOutcomes, reviseDeadItem } from '../applied-batches.ts';
import { readBooks } from '../books.ts';
import type { SettledPrefixes } from '../books-settled.ts';
import { inTransaction, type Transaction } from '../pool.ts';
import { acknowledge, firstUnappliedSeq, isApplied, openEpoch, sealEpoch } from '../sources.ts';
import { compactBatches } from './compact-batches.ts';

const { pool } = useTestDatabase({ maxConnections: 10 });
beforeEach(async () => {
  await pool.query(
    'truncate sources, source_epochs, applied_batches, dead_letters restart identity',
  );
});

const SOURCE = 'mqtt-counter-0';
const HOUR_MS = 3_600_000;
const open = (): Promise<string> =>
  openEpoch(pool, { source: SOURCE, kind: 'mqtt', instance: 'counter-0' });
const compact = (ageMs = 0, batchesAStep?: number): Promise<number> =>
  compactBatches(pool, ageMs, new AbortController().signal, batchesAStep);

/** What the producer has said after batch `seq`, when each batch holds ten items and one more was rejected. */
const books = (seq: number) => ({ received: seq * 11, rejected: seq, accepted: seq * 10 });
const NONE: BatchOutcome = {
  counted: 0,
  duplicate: 0,
  conflicting: 0,
  invalid: 0,
  unmetered: 0,
  unattributed: 0,
  dead: 0,
};

const claim = (transaction: Transaction, epoch: string, seqs: readonly number[]) =>
  claimBatches(
    transaction,
    seqs.map((seq) => ({ source: SOURCE, epoch, seq, books: books(seq), items: 10 })),
  );

/** Claims and applies; @returns the keys of those that were claimed. */
function apply(
  epoch: string,
  seqs: readonly number[],
  outcome?: (seq: number) => Partial<BatchOutcome>,
): Promise<ReadonlySet<string>> {
  return inTransaction(pool, async (transaction) => {
    const claimed = await claim(transaction, epoch, seqs);
    if (outcome !== undefined) {
      await recordOutcomes(
        transaction,
        seqs
          .filter((seq) => claimed.has(claimKey(epoch, seq)))
          .map((seq) => ({ source: SOURCE, epoch, seq, ...NONE, ...outcome(seq) })),
      );
    }
    return claimed;
  });
}

async function rowsLeft(epoch: string): Promise<readonly number[]> {
  const { rows } = await pool.query<{ seq: string }>(
    'select seq from applied_batches where epoch = $1 order by seq',
    [epoch],
  );
  return rows.map(({ seq }) => Number(seq));
}

const readKinds = async (settled?: SettledPrefixes) =>
  (await readBooks(pool, async () => new Map(), settled)).kinds;

describe('compaction', () => {
  test('folds up to the first hole, and leaves what lies above it', async () => {
    const epoch = await open();
    await apply(epoch, [1, 2, 3, 5, 6]);
    expect(await compact()).toBe(3);
    expect(await rowsLeft(epoch)).toEqual([5, 6]);
    expect(await compact()).toBe(0);
    await apply(epoch, [4]);
    expect(await compact(0, 2)).toBe(3);
    expect(await rowsLeft(epoch)).toEqual([]);
  });

  test('folds nothing of an epoch whose first batch is missing, and no young batch', async () => {
    const [holed, young] = [await open(), await open()];
    await apply(holed, [2, 3]);
    await apply(young, [1, 2]);
    expect(await compact(HOUR_MS)).toBe(0);
    await pool.query("update applied_batches set applied_at = now() - interval '2 hours'");
    await apply(young, [3, 4]);
    expect(await compact(HOUR_MS)).toBe(2);
    expect(await rowsLeft(holed)).toEqual([2, 3]);
    expect(await rowsLeft(young)).toEqual([3, 4]);
  });

  test('leaves a compacted batch applied: for claims, for takeovers, for seals', async () => {
    const epoch = await open();
    await apply(epoch, [1, 2, 3]);
    await compact();
    expect(await apply(epoch, [1, 3, 4, 2])).toEqual(new Set([claimKey(epoch, 4)]));
    expect(await rowsLeft(epoch)).toEqual([4]);
    expect(await firstUnappliedSeq(pool, epoch)).toBe(5);
    await compact();
    expect(await firstUnappliedSeq(pool, epoch)).toBe(5);
    expect(await Promise.all([1, 4, 5].map((seq) => isApplied(pool, epoch, seq)))).toEqual([
      true,
      true,
      false,
    ]);
    expect(await sealEpoch(pool, epoch, 4)).toMatchObject({ sealedSeq: 4 });
    expect(await apply(epoch, [4])).toEqual(new Set());
  });

  test('changes no figure of the books, with holes or without, for a reader that knows them or not', async () => {
    const random = seededRandom(11);
    const epochs = [await open(), await open(), await open()];
    const settled: SettledPrefixes = new Map();
    for (let round = 0; round < 10; round += 1) {
      for (const epoch of epochs) {
        const seqs = Array.from({ length: 12 }, (_, i) => round * 10 + i + 1).filter(
          () => random.next() < 0.9,
        );
        await apply(epoch, seqs, (seq) => ({
          counted: 6,
          duplicate: seq % 4,
          dead: 4 - (seq % 4),
        }));
        await acknowledge(pool, { epoch, seq: round * 10 + 8, books: books(round * 10 + 8) });
      }
      // Now and then the holes fill.
      if (round % 3 === 2) {
        for (const epoch of epochs.slice(1)) {
          const all = Array.from({ length: round * 10 + 8 }, (_, i) => i + 1);
          await apply(epoch, all, () => ({ counted: 9, invalid: 1 }));
        }
      }
      if (round === 7) await sealEpoch(pool, epochs[0] ?? '', 85);
      const before = await readKinds();
      const known = round % 2 === 0 ? await readKinds(settled) : before;
      await compact(0, random.integer(1, 40));
      expect(await readKinds()).toEqual(before);
      expect(await readKinds(settled)).toEqual(known);
      expect(before.every(({ broken }) => broken.length === 0)).toBe(true);
    }
    const { rows } = await pool.query('select applied_through from source_epochs order by epoch');
    expect(rows.map(({ applied_through }) => Number(applied_through) > 50)).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('is followed by the dead event that is counted later', async () => {
    const epoch = await open();
    await apply(epoch, [1, 2], () => ({ counted: 8, dead: 2 }));
    await compact();
    await inTransaction(pool, (transaction) =>
      reviseDeadItem(transaction, { source: SOURCE, epoch, seq: 1 }, 'counted'),
    );
    const [, mqtt] = await readKinds();
    expect(mqtt).toMatchObject({ figures: { counted: 17n, dead: 3n }, broken: [] });
  });
});

/** Whether a connection waits for another's transaction. */
async function isWaiting(pid: number): Promise<boolean> {
  const { rows } = await pool.query<{ waiting: boolean }>(
    'select cardinality(pg_blocking_pids($1)) > 0 as waiting',
    [pid],
  );
  return rows[0]?.waiting === true;
}

async function untilWaiting(pid: number): Promise<void> {
  while (!(await isWaiting(pid))) await new Promise(setImmediate);
}

/** Deletes the row of batch 1 as a compaction does, and keeps its transaction open until `end` is called. */
async function compactionUnderWay(epoch: string) {
  const client = await pool.connect();
  await client.query('begin');
  await client.query(
    'select applied_through from source_epochs where epoch = $1 for no key update',
    [epoch],
  );
  await client.query('delete from applied_batches where epoch = $1 and seq = 1', [epoch]);
  await client.query('update source_epochs set applied_through = 1 where epoch = $1', [epoch]);
  return async (how: 'commit' | 'rollback'): Promise<void> => {
    await client.query(how);
    client.release();
  };
}

describe('a claim that meets a compaction under way', () => {
  /** Begins while the compaction runs, waits for its row, and goes on when it has ended. */
  async function claimDuring(
    how: 'commit' | 'rollback',
    statement: (transaction: Transaction, epoch: string) => Promise<ReadonlySet<string>>,
  ): Promise<{ readonly claimed: ReadonlySet<string>; readonly rows: readonly number[] }> {
    const epoch = await open();
    await apply(epoch, [1]);
    const end = await compactionUnderWay(epoch);
    const claimed = inTransaction(pool, async (transaction) => {
      const { rows } = await transaction.query<{ pid: number }>('select pg_backend_pid() as pid');
      const claiming = statement(transaction, epoch);
      await untilWaiting(rows[0]?.pid ?? 0);
      await end(how);
      return claiming;
    });
    return { claimed: await claimed, rows: await rowsLeft(epoch) };
  }

  test('is not given the batch again, although its own snapshot is older than the compaction', async () => {
    const { claimed, rows } = await claimDuring('commit', (transaction, epoch) =>
      claim(transaction, epoch, [1, 2]),
    );
    expect([...claimed].map((key) => key.split('.')[1])).toEqual(['2']);
    expect(rows).toEqual([2]);
  });

  test('is not given it when the compaction is rolled back either', async () => {
    const { claimed, rows } = await claimDuring('rollback', (transaction, epoch) =>
      claim(transaction, epoch, [1, 2]),
    );
    expect([...claimed].map((key) => key.split('.')[1])).toEqual(['2']);
    expect(rows).toEqual([1, 2]);
  });

  test('would be given it by one statement that looks at applied_through itself: the second is needed', async () => {
    const { claimed } = await claimDuring('commit', async (transaction, epoch) => {
      const { rows } = await transaction.query<{ seq: string }>(
        `insert into applied_batches (epoch, seq, received, rejected, accepted, items)
         select epoch, 1, 0, 0, 0, 0 from source_epochs where epoch = $1 and applied_through < 1
         on conflict do nothing
         returning seq`,
        [epoch],
      );
      return new Set(rows.map(({ seq }) => seq));
    });
    expect(claimed).toEqual(new Set(['1']));
  });

  test('a dead event waits for it, and is booked where its batch is now', async () => {
    const epoch = await open();
    await apply(epoch, [1], () => ({ counted: 8, dead: 2 }));
    const end = await compactionUnderWay(epoch);
    await inTransaction(pool, async (transaction) => {
      const { rows } = await transaction.query<{ pid: number }>('select pg_backend_pid() as pid');
      const revising = reviseDeadItem(transaction, { source: SOURCE, epoch, seq: 1 }, 'invalid');
      await untilWaiting(rows[0]?.pid ?? 0);
      await end('commit');
      await revising;
    });
    const { rows } = await pool.query('select through_dead, through_invalid from source_epochs');
    expect(rows).toEqual([{ through_dead: '-1', through_invalid: '1' }]);
  });
});

test('batches that are claimed over and over while they are compacted are each applied once', async () => {
  const epochs = [await open(), await open()];
  const batches = 300;
  const applied = new Map<string, number>();
  let claiming = true;
  const claimers = Array.from({ length: 6 }, async (_, lane) => {
    const random = seededRandom(lane + 1);
    for (let seq = 1; seq <= batches; seq += 3) {
      for (const epoch of epochs) {
        // New ones, and the same again as a queue that delivers twice would.
        const again = Array.from({ length: 5 }, () => random.integer(1, seq));
        const claimed = await apply(epoch, [...new Set([seq, seq + 1, seq + 2, ...again])]);
        for (const key of claimed) applied.set(key, (applied.get(key) ?? 0) + 1);
      }
    }
  });
  const compactors = Array.from({ length: 2 }, async () => {
    while (claiming) await compact(0, 7);
  });
  await Promise.all(claimers).finally(() => {
    claiming = false;
  });
  await Promise.all(compactors);
  await compact();
  expect([...applied.values()].every((times) => times === 1)).toBe(true);
  expect(applied.size).toBe(epochs.length * batches);
  const { rows } = await pool.query(
    'select applied_through, through_counted, through_accepted from source_epochs order by epoch',
  );
  expect(rows).toEqual(
    epochs.map(() => ({
      applied_through: String(batches),
      through_counted: String(batches * 10),
      through_accepted: String(batches * 10),
    })),
  );
});
