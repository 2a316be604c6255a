import type { BatchOutcome } from '@odometer/domain/batch';
import type { IntakeKind } from '@odometer/domain/books';
import type { Queryable, Transaction } from './pool.ts';

/** An epoch as the books see it: the producer's word, and the sums of what is applied. bigint columns arrive as text. */
export interface EpochRow extends Readonly<Record<keyof BatchOutcome, string>> {
  readonly epoch: string;
  readonly source: string;
  readonly kind: IntakeKind;
  readonly opened_at: Date;
  readonly sealed_seq: string | null;
  readonly sealed_at: Date | null;
  readonly acknowledged_seq: string;
  readonly acknowledged_at: Date | null;
  readonly acknowledged_received: string;
  readonly acknowledged_rejected: string;
  readonly acknowledged_accepted: string;
  /** Number of applied batches. */
  readonly applied: string;
  /** The highest of them, 0 when there is none, and the running totals that it carried. */
  readonly applied_seq: string;
  readonly applied_received: string;
  readonly applied_rejected: string;
  readonly applied_accepted: string;
}

/**
 * Every epoch with the sums over its applied batches. This reads the whole of applied_batches once: about a second per
 * five million batches when they are cached. Compaction will make it a matter of rows that are not compacted yet.
 */
export async function readEpochs(db: Transaction): Promise<readonly EpochRow[]> {
  const { rows } = await db.query<EpochRow>(
    `select e.epoch, e.source, s.kind, e.opened_at, e.sealed_seq, e.sealed_at, e.acknowledged_seq, e.acknowledged_at,
       e.received as acknowledged_received, e.rejected as acknowledged_rejected, e.accepted as acknowledged_accepted,
       coalesce(a.applied, 0) as applied, coalesce(a.seq, 0) as applied_seq,
       coalesce(h.received, 0) as applied_received, coalesce(h.rejected, 0) as applied_rejected,
       coalesce(h.accepted, 0) as applied_accepted,
       coalesce(a.counted, 0) as counted, coalesce(a.duplicate, 0) as duplicate,
       coalesce(a.conflicting, 0) as conflicting, coalesce(a.invalid, 0) as invalid,
       coalesce(a.unmetered, 0) as unmetered, coalesce(a.unattributed, 0) as unattributed, coalesce(a.dead, 0) as dead
     from source_epochs e
     join sources s on s.source = e.source
     left join (
       select epoch, count(*) as applied, max(seq) as seq, sum(counted) as counted, sum(duplicate) as duplicate,
         sum(conflicting) as conflicting, sum(invalid) as invalid, sum(unmetered) as unmetered,
         sum(unattributed) as unattributed, sum(dead) as dead
       from applied_batches
       group by epoch
     ) a on a.epoch = e.epoch
     left join applied_batches h on h.epoch = a.epoch and h.seq = a.seq
     order by e.epoch`,
  );
  return rows;
}

/** Consecutive seqs that are not applied, between two that are (`from_seq` may be 1). */
export interface HoleRow {
  readonly epoch: string;
  readonly from_seq: string;
  readonly to_seq: string;
  readonly items: string;
  /** When the batch after the hole was applied. */
  readonly since: Date;
}

/**
 * The holes inside the applied batches of the given epochs: gaps and islands over the primary key alone (an index-only
 * scan of these epochs, some 0.3 s per million batches), then two look-ups a hole. Ask for epochs that have a hole only.
 */
export async function readInnerHoles(
  db: Transaction,
  epochs: readonly string[],
): Promise<readonly HoleRow[]> {
  if (epochs.length === 0) return [];
  const { rows } = await db.query<HoleRow>(
    `with edges as (
       select epoch, lag(seq, 1, 0::bigint) over (partition by epoch order by seq) as before, seq as after
       from applied_batches
       where epoch = any($1)
     )
     select e.epoch, e.before + 1 as from_seq, e.after - 1 as to_seq, r.applied_at as since,
       r.accepted - r.items - coalesce(l.accepted, 0) as items
     from edges e
     join applied_batches r on r.epoch = e.epoch and r.seq = e.after
     left join applied_batches l on l.epoch = e.epoch and l.seq = e.before
     where e.after > e.before + 1
     order by e.epoch, e.after`,
    [epochs],
  );
  return rows;
}

/** A batch that is in Postgres after all, and how much it holds. */
export interface KnownBatchRow {
  readonly epoch: string;
  readonly seq: string;
  readonly items: number;
}

/** Dead letters that carry batches of the given epochs. There are few dead letters, whatever there is of the rest. */
export async function readDeadBatches(
  db: Queryable,
  epochs: readonly string[],
): Promise<readonly KnownBatchRow[]> {
  const { rows } = await db.query<KnownBatchRow>(
    'select epoch, seq, items from dead_letters where epoch = any($1) and seq is not null',
    [epochs],
  );
  return rows;
}

/** Which of these batches are applied. */
export async function readAppliedBatches(
  db: Queryable,
  batches: readonly { readonly epoch: string; readonly seq: number }[],
): Promise<readonly KnownBatchRow[]> {
  const { rows } = await db.query<KnownBatchRow>(
    `select a.epoch, a.seq, a.items
     from unnest($1::bigint[], $2::bigint[]) as b (epoch, seq)
     join applied_batches a on a.epoch = b.epoch and a.seq = b.seq`,
    [batches.map(({ epoch }) => epoch), batches.map(({ seq }) => seq)],
  );
  return rows;
}
