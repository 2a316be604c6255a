import { beforeEach, describe, expect, test } from '@jest/globals';
import type { BatchOutcome } from '@odometer/domain/batch';
import type { Books } from '@odometer/domain/books';
import { seededRandom } from '@odometer/testing/seeded-random';
import { useTestDatabase } from '@odometer/testing/use-test-database';
import { claimBatches, recordOutcomes } from './applied-batches.ts';
import { type FindJobs, type JobInRedis, readBooks } from './books.ts';
import type { SettledPrefixes } from './books-settled.ts';
import { storeDeadLetter } from './dead-letters.ts';
import { inTransaction } from './pool.ts';
import { acknowledge, openEpoch, sealEpoch } from './sources.ts';

const { pool } = useTestDatabase();
beforeEach(async () => {
  await pool.query(
    'truncate sources, source_epochs, applied_batches, dead_letters restart identity',
  );
});

const SOURCE = 'mqtt-counter-0';

const open = (): Promise<string> =>
  openEpoch(pool, { source: SOURCE, kind: 'mqtt', instance: 'counter-0' });

/** What the producer has said after batch `seq`, when each batch holds ten items and one more was rejected. */
const books = (seq: number) => ({ received: seq * 11, rejected: seq, accepted: seq * 10 });

async function apply(
  epoch: string,
  seqs: readonly number[],
  outcome?: Partial<BatchOutcome>,
): Promise<void> {
  await inTransaction(pool, async (transaction) => {
    const ids = seqs.map((seq) => ({ source: SOURCE, epoch, seq }));
    await claimBatches(
      transaction,
      ids.map((id) => ({ ...id, books: books(id.seq), items: 10 })),
    );
    if (outcome === undefined) return;
    const none = {
      counted: 0,
      duplicate: 0,
      conflicting: 0,
      invalid: 0,
      unmetered: 0,
      unattributed: 0,
      dead: 0,
    };
    await recordOutcomes(
      transaction,
      ids.map((id) => ({ ...id, ...none, ...outcome })),
    );
  });
}

const acknowledged = (epoch: string, seq: number): Promise<void> =>
  acknowledge(pool, { epoch, seq, books: books(seq) });

/** Makes everything that is known look older than a minute. */
async function age(): Promise<void> {
  await pool.query("update applied_batches set applied_at = applied_at - interval '1 hour'");
  await pool.query(
    "update source_epochs set acknowledged_at = acknowledged_at - interval '1 hour', sealed_at = sealed_at - interval '1 hour'",
  );
}

const deadLetter = (epoch: string, seq: number): Promise<void> =>
  storeDeadLetter(pool, {
    queue: 'counts',
    jobId: `${SOURCE}.${epoch}.${seq}`,
    jobName: 'count-batch',
    payload: '{}',
    reason: 'boom',
    attempts: 60,
    epoch,
    seq,
    items: 10,
    organizations: null,
    acceptedAtMs: null,
    failedAtMs: Date.now(),
  });

/** Reads the books while Redis holds these seqs. */
async function read(
  epoch: string,
  inRedis: Readonly<Record<number, JobInRedis>> = {},
): Promise<Books> {
  const jobs = Object.entries(inRedis).map(
    ([seq, job]) => [`${SOURCE}.${epoch}.${seq}`, job] as const,
  );
  return readBooks(pool, async (_kind, ids) => new Map(jobs.filter(([id]) => ids.includes(id))));
}

function mqtt(read: Books) {
  const kind = read.kinds.find((each) => each.kind === 'mqtt');
  if (kind === undefined) throw new Error('no books of mqtt');
  return kind;
}

const waiting = { state: 'waiting', accepted: 10 };

describe('reading the books', () => {
  test('closes when every batch is applied, with every outcome in its place', async () => {
    const epoch = await open();
    await apply(epoch, [1, 2]);
    await apply(epoch, [3], { duplicate: 4, unattributed: 3, dead: 3 });
    await acknowledged(epoch, 3);
    await age();
    const result = await read(epoch);
    expect(result.closed).toBe(true);
    expect(mqtt(result).figures).toMatchObject({
      received: 33n,
      rejected: 3n,
      accepted: 30n,
      counted: 20n,
      duplicate: 4n,
      unattributed: 3n,
      dead: 3n,
    });
  });

  test('measures what is in flight, and closes', async () => {
    const epoch = await open();
    await apply(epoch, [1, 3]);
    await acknowledged(epoch, 5);
    await age();
    const result = await read(epoch, { 2: waiting, 4: waiting, 5: waiting });
    expect(result.closed).toBe(true);
    expect(mqtt(result).figures).toMatchObject({ accepted: 50n, counted: 20n, in_flight: 30n });
  });

  test('finds a batch that is gone between two that were applied, with its size', async () => {
    const epoch = await open();
    await apply(epoch, [1, 3, 6]);
    await age();
    const result = await read(epoch, { 5: waiting });
    expect(result.closed).toBe(false);
    expect(mqtt(result)).toMatchObject({
      broken: [],
      lost: [
        { source: SOURCE, epoch, seqs: [[2, 2]], batches: 1, items: 10n },
        { source: SOURCE, epoch, seqs: [[4, 4]], batches: 1, items: 10n },
      ],
      figures: { accepted: 60n, counted: 30n, in_flight: 10n, lost: 20n },
    });
  });

  test('finds the first batch of an epoch gone', async () => {
    const epoch = await open();
    await apply(epoch, [2]);
    await age();
    expect(mqtt(await read(epoch)).lost).toMatchObject([{ seqs: [[1, 1]], items: 10n }]);
  });

  test('finds a loss at the end, which only the acknowledgement tells of', async () => {
    const epoch = await open();
    await apply(epoch, [1]);
    await acknowledged(epoch, 4);
    await age();
    const result = await read(epoch, { 3: waiting });
    expect(mqtt(result)).toMatchObject({
      broken: [],
      lost: [
        {
          seqs: [
            [2, 2],
            [4, 4],
          ],
          batches: 2,
          items: 20n,
        },
      ],
    });
  });

  test('finds everything gone of an epoch of which nothing was applied', async () => {
    const epoch = await open();
    await acknowledged(epoch, 3);
    await age();
    expect(mqtt(await read(epoch)).lost).toMatchObject([{ seqs: [[1, 3]], items: 30n }]);
  });

  test('leaves a young hole pending', async () => {
    const epoch = await open();
    await apply(epoch, [1, 3]);
    const result = await read(epoch);
    expect(result.closed).toBe(true);
    expect(mqtt(result)).toMatchObject({ lost: [], pending: [{ seqs: [[2, 2]], items: 10n }] });
  });

  test('counts a dead letter as dead, and as in flight once it is back in its queue', async () => {
    const epoch = await open();
    await apply(epoch, [1, 3]);
    await deadLetter(epoch, 2);
    await age();
    expect(mqtt(await read(epoch)).figures).toMatchObject({ dead: 10n, in_flight: 0n, lost: 0n });
    const failed = { state: 'failed', accepted: 10 };
    expect(mqtt(await read(epoch, { 2: failed })).figures).toMatchObject({ dead: 10n });
    expect(mqtt(await read(epoch, { 2: waiting })).figures).toMatchObject({
      dead: 0n,
      in_flight: 10n,
    });
    await apply(epoch, [2]);
    const applied = await read(epoch);
    expect(applied.closed).toBe(true);
    expect(mqtt(applied).figures).toMatchObject({ counted: 30n, dead: 0n });
  });

  test('knows nothing of what a fenced producer believes', async () => {
    const epoch = await open();
    await apply(epoch, [1, 2]);
    const successor = await open();
    // Its flush was swallowed by the seal, and it does not know.
    await acknowledged(epoch, 3);
    await sealEpoch(pool, epoch, 2);
    await acknowledged(epoch, 4);
    await apply(successor, [1]);
    await age();
    const result = await read(epoch, { 3: waiting });
    expect(result.closed).toBe(true);
    expect(mqtt(result).figures).toMatchObject({ accepted: 30n, counted: 30n, in_flight: 0n });
  });

  test('finds what was acknowledged before a takeover that did not find it any more', async () => {
    const epoch = await open();
    await apply(epoch, [1]);
    await acknowledged(epoch, 3);
    await open();
    await sealEpoch(pool, epoch, 1);
    await age();
    // The job of seq 2 is the seal itself.
    const result = await read(epoch, { 2: waiting, 3: waiting });
    expect(mqtt(result)).toMatchObject({
      broken: [],
      lost: [{ seqs: [[2, 3]], items: 20n }],
    });
  });

  test('finds a batch gone that the seal had still seen, though nobody knows its size', async () => {
    const epoch = await open();
    await apply(epoch, [1]);
    await sealEpoch(pool, epoch, 3);
    await age();
    const result = await read(epoch, { 2: waiting });
    expect(mqtt(result)).toMatchObject({
      broken: [],
      lost: [{ seqs: [[3, 3]], batches: 1, items: undefined }],
      figures: { accepted: 20n, in_flight: 10n },
    });
  });

  test('takes a batch that was applied between its two looks for in flight', async () => {
    const epoch = await open();
    await apply(epoch, [1]);
    await acknowledged(epoch, 2);
    await age();
    const result = await readBooks(pool, async () => {
      await apply(epoch, [2]);
      return new Map();
    });
    expect(result.closed).toBe(true);
    expect(mqtt(result).figures).toMatchObject({ counted: 10n, in_flight: 10n, lost: 0n });
  });

  test('reads the same with what earlier readings left as without, whatever was applied in between', async () => {
    const epochs = [await open(), await open()];
    const settled: SettledPrefixes = new Map();
    const random = seededRandom(7);
    const none: FindJobs = async () => new Map();
    let next = epochs.map(() => 1);
    for (let round = 0; round < 8; round += 1) {
      for (const [index, epoch] of epochs.entries()) {
        const from = next[index] ?? 1;
        const applied = Array.from({ length: 5 }, (_, i) => from + i).filter(
          () => random.next() < 0.7,
        );
        await apply(epoch, applied, { counted: 7, duplicate: 3 });
        const missing = await pool.query<{ seq: string }>(
          `select seq from generate_series(1, $2::bigint) seq
           where not exists (select 1 from applied_batches a where a.epoch = $1 and a.seq = seq.seq)`,
          [epoch, from - 1],
        );
        // Now and then a hole fills.
        const late = missing.rows.map(({ seq }) => Number(seq)).filter(() => random.next() < 0.5);
        await apply(epoch, late, { counted: 7, duplicate: 3 });
      }
      next = next.map((seq) => seq + 5);
      const { kinds } = await readBooks(pool, none, settled);
      expect(kinds).toEqual((await readBooks(pool, none)).kinds);
      expect(mqtt(await readBooks(pool, none, settled)).broken).toEqual([]);
    }
    expect([...settled.values()].every(({ seq }) => seq > 0)).toBe(true);
  });

  test('breaks when the applied batches do not hold what the producer said', async () => {
    const epoch = await open();
    await apply(epoch, [1, 2]);
    await pool.query('update applied_batches set items = 9, counted = 9 where seq = 2');
    const result = await read(epoch);
    expect(result.closed).toBe(false);
    expect(mqtt(result).broken).toEqual(['accepted 20 is not counted 19 (off by 1)']);
  });
});
