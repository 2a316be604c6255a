import type { BatchId, BatchOutcome, ProducerBooks } from '@odometer/domain/batch';
import type { Transaction } from './pool.ts';

export interface BatchClaim extends BatchId {
  readonly books: ProducerBooks;
  /** How many items the batch holds. */
  readonly items: number;
}

/**
 * Claims batches for the running transaction. Of a batch that is applied already, or is being applied by somebody who
 * then commits, nothing is returned: it must contribute nothing to any figure. That the batch's row may have been
 * compacted meanwhile is the function's care.
 *
 * @returns the claimed ones, by `claimKey`.
 */
export async function claimBatches(
  transaction: Transaction,
  claims: readonly BatchClaim[],
): Promise<ReadonlySet<string>> {
  const { rows } = await transaction.query<{ epoch: string; seq: string }>(
    'select epoch, seq from claim_batches($1, $2, $3, $4, $5, $6)',
    [
      claims.map((claim) => claim.epoch),
      claims.map((claim) => claim.seq),
      claims.map((claim) => claim.books.received),
      claims.map((claim) => claim.books.rejected),
      claims.map((claim) => claim.books.accepted),
      claims.map((claim) => claim.items),
    ],
  );
  return new Set(rows.map(({ epoch, seq }) => claimKey(epoch, seq)));
}

/** The name of a batch in the result of `claimBatches`. */
export function claimKey(epoch: string, seq: number | string): string {
  return `${epoch}.${seq}`;
}

/** Writes what became of each claimed batch. A claim starts as "all counted"; only others need this. */
export async function recordOutcomes(
  transaction: Transaction,
  outcomes: readonly (BatchId & BatchOutcome)[],
): Promise<void> {
  if (outcomes.length === 0) return;
  const column = (read: (outcome: BatchId & BatchOutcome) => number | string) => outcomes.map(read);
  await transaction.query(
    `update applied_batches b
     set counted = o.counted, duplicate = o.duplicate, conflicting = o.conflicting, invalid = o.invalid,
         unmetered = o.unmetered, unattributed = o.unattributed, dead = o.dead
     from unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[], $9::int[])
       as o (epoch, seq, counted, duplicate, conflicting, invalid, unmetered, unattributed, dead)
     where b.epoch = o.epoch and b.seq = o.seq`,
    [
      column((o) => o.epoch),
      column((o) => o.seq),
      column((o) => o.counted),
      column((o) => o.duplicate),
      column((o) => o.conflicting),
      column((o) => o.invalid),
      column((o) => o.unmetered),
      column((o) => o.unattributed),
      column((o) => o.dead),
    ],
  );
}

/**
 * Locks epochs against sealing and returns where the sealed ones end. Take it before claiming a batch of a source that
 * can be taken over: what lies beyond its seal was sent by a producer that had been replaced, and is counted by its
 * successor.
 */
export async function lockEpochs(
  transaction: Transaction,
  epochs: Iterable<string>,
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await transaction.query<{ epoch: string; sealed_seq: string | null }>(
    `select epoch, sealed_seq from source_epochs where epoch = any($1::bigint[]) order by epoch for update`,
    [[...new Set(epochs)]],
  );
  const sealed = new Map<string, number>();
  for (const row of rows) {
    if (row.sealed_seq !== null) sealed.set(row.epoch, Number(row.sealed_seq));
  }
  return sealed;
}

/** Stores the mark of each epoch's highest applied batch; one that is older than what is stored changes nothing. */
export async function storeMarks(
  transaction: Transaction,
  marks: readonly { readonly epoch: string; readonly seq: number; readonly mark: number | null }[],
): Promise<void> {
  await transaction.query(
    `update source_epochs e
     set mark = m.mark, mark_seq = m.seq
     from unnest($1::bigint[], $2::bigint[], $3::int[]) as m (epoch, seq, mark)
     where e.epoch = m.epoch and e.mark_seq < m.seq`,
    [marks.map((m) => m.epoch), marks.map((m) => m.seq), marks.map((m) => m.mark)],
  );
}

/**
 * Books one dead item of an applied batch as something else, when it has been applied after all. When the batch is
 * compacted its epoch holds the sums; a compaction under way is waited for by the first statement and seen by the second.
 */
export async function reviseDeadItem(
  transaction: Transaction,
  { epoch, seq }: BatchId,
  outcome: Exclude<keyof BatchOutcome, 'dead'>,
): Promise<void> {
  const { rowCount } = await transaction.query(
    `update applied_batches set dead = dead - 1, ${outcome} = ${outcome} + 1 where epoch = $1 and seq = $2`,
    [epoch, seq],
  );
  if (rowCount !== 0) return;
  await transaction.query(
    `update source_epochs
     set through_dead = through_dead - 1, through_${outcome} = through_${outcome} + 1
     where epoch = $1 and applied_through >= $2`,
    [epoch, seq],
  );
}
