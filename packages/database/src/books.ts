import { batchJobId } from '@odometer/domain/batch';
import { type Books, drawUpBooks, type FoundBatch, type IntakeKind } from '@odometer/domain/books';
import { epochBooks, type SealableEpochBooks } from './books-epoch.ts';
import {
  type KnownBatchRow,
  readAppliedBatches,
  readDeadBatches,
  readEpochs,
  readInnerHoles,
  readSums,
} from './books-queries.ts';
import { type SettledPrefixes, settle, settledBefore, settledUpTo } from './books-settled.ts';
import { inTransaction, type Pool, type Transaction } from './pool.ts';

/** A job as Redis holds it: its state, and how many accepted items it carries. */
export interface JobInRedis {
  readonly state: string;
  readonly accepted: number;
}

/**
 * Looks for jobs by id in the queue of an intake kind (`events`, or `counts` for mqtt). Ids that Redis does not have are
 * absent from the answer. A function, because this package knows nothing of Redis.
 */
export type FindJobs = (
  kind: IntakeKind,
  jobIds: readonly string[],
) => Promise<ReadonlyMap<string, JobInRedis>>;

interface Batch {
  readonly kind: IntakeKind;
  readonly source: string;
  readonly epoch: string;
  readonly seq: number;
}

/**
 * Reads the books: one snapshot of Postgres, then a look into Redis for every batch that is not applied in it, then a
 * second look into Postgres for those that were not there. In this order nothing falls between two looks: a job leaves
 * Redis only after Postgres has it, applied or as a dead letter.
 *
 * @param settled what earlier readings of this process left; whoever reads often keeps it, and then a reading costs what
 *   was applied since the last one, and a look-up in Redis for each batch in flight.
 * @throws whatever `findJobs` throws: without Redis nobody can tell what is in flight from what is lost.
 */
export async function readBooks(
  pool: Pool,
  findJobs: FindJobs,
  settled: SettledPrefixes = new Map(),
): Promise<Books> {
  const epochs = await inTransaction(pool, (transaction) => readSnapshot(transaction, settled));
  const unapplied = epochs.flatMap(unappliedBatches);
  const found = await locate(pool, findJobs, unapplied);
  return drawUpBooks(epochs, (epoch, seq) => found.get(`${epoch}.${seq}`), Date.now());
}

async function readSnapshot(
  transaction: Transaction,
  settled: SettledPrefixes,
): Promise<readonly SealableEpochBooks[]> {
  // One snapshot for all statements; else a batch applied between two of them would be in both figures, or none.
  await transaction.query('set transaction isolation level repeatable read read only');
  const rows = await readEpochs(
    transaction,
    [...settled].map(([epoch, { seq }]) => ({ epoch, seq })),
  );
  const withHoles = rows
    .filter((row) => Number(row.applied) !== Number(row.applied_seq) - Number(row.settled_seq))
    .map((row) => ({ epoch: row.epoch, seq: Number(row.settled_seq) }));
  const holes = await readInnerHoles(transaction, withHoles);
  const epochs = rows.map((row) => {
    const inner = holes.filter(({ epoch }) => epoch === row.epoch);
    const before = settledBefore(settled.get(row.epoch), row);
    return { row, inner, before, books: epochBooks(row, inner, before.sums) };
  });
  const sums = await readSums(
    transaction,
    epochs
      .filter(({ inner }) => inner.length > 0)
      .map(({ row, inner, before }) => ({
        epoch: row.epoch,
        after: before.seq,
        upTo: settledUpTo(row, inner),
      })),
  );
  for (const { row, inner, before } of epochs) {
    const upToHole = sums.find(({ epoch }) => epoch === row.epoch);
    settled.set(row.epoch, settle(before, row, inner, upToHole));
  }
  return epochs.map(({ books }) => books);
}

interface LookFor extends Batch {
  /** Above its epoch's seal: a job of its id would be refused, so it is not in flight wherever it is. */
  readonly fenced: boolean;
}

function unappliedBatches(epochBooks: SealableEpochBooks): readonly LookFor[] {
  const { kind, source, epoch, holes, sealedSeq } = epochBooks;
  return holes.flatMap(({ fromSeq, toSeq }) =>
    Array.from({ length: toSeq - fromSeq + 1 }, (_, i) => {
      const seq = fromSeq + i;
      return { kind, source, epoch, seq, fenced: seq > sealedSeq };
    }),
  );
}

/** @returns by `epoch.seq`, the batches that are somewhere. */
async function locate(
  pool: Pool,
  findJobs: FindJobs,
  batches: readonly LookFor[],
): Promise<ReadonlyMap<string, FoundBatch>> {
  const found = new Map<string, FoundBatch>();
  if (batches.length === 0) return found;
  const inRedis = await findAll(
    findJobs,
    batches.filter(({ fenced }) => !fenced),
  );
  const place = (rows: readonly KnownBatchRow[], where: FoundBatch['place']): void => {
    for (const { epoch, seq, items } of rows) found.set(`${epoch}.${seq}`, { place: where, items });
  };
  // Later words win: a dead letter whose job is back in its queue is in flight, and one that was applied since, too.
  place(await readDeadBatches(pool, [...new Set(batches.map(({ epoch }) => epoch))]), 'dead');
  for (const batch of batches) {
    const key = `${batch.epoch}.${batch.seq}`;
    const job = inRedis.get(batchJobId(batch));
    // Failed and already stored: the sweep is between storing and removing it.
    if (job !== undefined && !(job.state === 'failed' && found.has(key))) {
      found.set(key, { place: 'in flight', items: job.accepted });
    }
  }
  const elsewhere = batches.filter(
    ({ epoch, seq }) => found.get(`${epoch}.${seq}`)?.place !== 'in flight',
  );
  place(await readAppliedBatches(pool, elsewhere), 'in flight');
  return found;
}

async function findAll(
  findJobs: FindJobs,
  batches: readonly Batch[],
): Promise<ReadonlyMap<string, JobInRedis>> {
  const all = new Map<string, JobInRedis>();
  for (const kind of new Set(batches.map((batch) => batch.kind))) {
    const ids = batches.filter((batch) => batch.kind === kind).map(batchJobId);
    for (const [id, job] of await findJobs(kind, ids)) all.set(id, job);
  }
  return all;
}
