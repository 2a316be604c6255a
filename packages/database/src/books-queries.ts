import type { BatchOutcome } from '@odometer/domain/batch';
import type { IntakeKind } from '@odometer/domain/books';
import type { Queryable, Transaction } from './pool.ts';

/** Sums over the batches of an epoch that have no rows any more. */
type CompactedSums = { readonly [Name in keyof BatchOutcome as `through_${Name}`]: string };

/** An epoch as the books see it: the producer's word, and the sums of what is applied. bigint columns arrive as text. */
export interface EpochRow extends Readonly<Record<keyof BatchOutcome, string>>, CompactedSums {
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
  /** The batches up to here are compacted. */
  readonly applied_through: string;
  /** Up to here it is settled, or compacted; the number of applied batches, and the sums, are of those above. */
  readonly settled_seq: string;
  readonly applied: string;
  /** The highest applied one, 0 when there is none, and the running totals that it carried. */
  readonly applied_seq: string;
  readonly applied_received: string;
  readonly applied_rejected: string;
  readonly applied_accepted: string;
}

/** The applied batches of an epoch up to here are all there, and were added up in an earlier reading. */
export interface SettledSeq {
  readonly epoch: string;
  readonly seq: number;
}

const OUTCOMES: readonly (keyof BatchOutcome)[] = [
  'counted',
  'duplicate',
  'conflicting',
  'invalid',
  'unmetered',
  'unattributed',
  'dead',
];
const OUTCOME_SUMS = OUTCOMES.map((name) => `coalesce(sum(b.${name}), 0) as ${name}`).join(', ');
const COMPACTED_SUMS = OUTCOMES.map((name) => `e.through_${name}`).join(', ');

/**
 * Every epoch with the sums over its applied batches above what is settled. Costs a read of those rows: half a second
 * per million, when nothing is settled, and next to nothing for the next reading of the same process.
 */
export async function readEpochs(
  db: Transaction,
  settled: readonly SettledSeq[],
): Promise<readonly EpochRow[]> {
  const { rows } = await db.query<EpochRow>(
    `select e.epoch, e.source, k.kind, e.opened_at, e.sealed_seq, e.sealed_at, e.acknowledged_seq, e.acknowledged_at,
       e.received as acknowledged_received, e.rejected as acknowledged_rejected, e.accepted as acknowledged_accepted,
       e.applied_through, ${COMPACTED_SUMS}, a.*, s.seq as settled_seq,
       coalesce(h.seq, e.applied_through) as applied_seq,
       coalesce(h.received, e.through_received) as applied_received,
       coalesce(h.rejected, e.through_rejected) as applied_rejected,
       coalesce(h.accepted, e.through_accepted) as applied_accepted
     from source_epochs e
     join sources k on k.source = e.source
     left join unnest($1::bigint[], $2::bigint[]) as given (epoch, seq) on given.epoch = e.epoch
     cross join lateral (select greatest(given.seq, e.applied_through) as seq) s
     cross join lateral (
       select count(*) as applied, max(b.seq) as highest, ${OUTCOME_SUMS}
       from applied_batches b
       where b.epoch = e.epoch and b.seq > s.seq
     ) a
     left join applied_batches h on h.epoch = e.epoch and h.seq = coalesce(a.highest, s.seq)
     order by e.epoch`,
    [settled.map(({ epoch }) => epoch), settled.map(({ seq }) => seq)],
  );
  return rows;
}

/** Sums over the applied batches of an epoch with `after < seq <= upTo`. */
export type SumsRow = Readonly<Record<keyof BatchOutcome, string>> & { readonly epoch: string };

export async function readSums(
  db: Transaction,
  ranges: readonly { readonly epoch: string; readonly after: number; readonly upTo: number }[],
): Promise<readonly SumsRow[]> {
  if (ranges.length === 0) return [];
  const { rows } = await db.query<SumsRow>(
    `select r.epoch, ${OUTCOME_SUMS}
     from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as r (epoch, after, up_to)
     join applied_batches b on b.epoch = r.epoch and b.seq > r.after and b.seq <= r.up_to
     group by r.epoch`,
    [
      ranges.map(({ epoch }) => epoch),
      ranges.map(({ after }) => after),
      ranges.map(({ upTo }) => upTo),
    ],
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
 * The holes between the applied batches above what is settled: gaps and islands over the primary key alone, in its order
 * (an index-only scan), then two look-ups a hole. Ask for epochs that have a hole only.
 */
export async function readInnerHoles(
  db: Transaction,
  settled: readonly SettledSeq[],
): Promise<readonly HoleRow[]> {
  if (settled.length === 0) return [];
  // `offset 0` keeps the planner from joining all batches with all batches: it cannot know how few holes there are.
  const { rows } = await db.query<HoleRow>(
    `select s.epoch, h.before + 1 as from_seq, h.after - 1 as to_seq, r.applied_at as since,
       r.accepted - r.items - coalesce(l.accepted, c.through_accepted, 0) as items
     from unnest($1::bigint[], $2::bigint[]) as s (epoch, seq)
     cross join lateral (
       select lag(b.seq, 1, s.seq) over (order by b.seq) as before, b.seq as after
       from applied_batches b
       where b.epoch = s.epoch and b.seq > s.seq
     ) h
     cross join lateral (
       select accepted, items, applied_at from applied_batches b where b.epoch = s.epoch and b.seq = h.after offset 0
     ) r
     left join lateral (
       select accepted from applied_batches b where b.epoch = s.epoch and b.seq = h.before offset 0
     ) l on true
     left join source_epochs c on c.epoch = s.epoch and c.applied_through = h.before
     where h.after > h.before + 1
     order by s.epoch, h.after`,
    [settled.map(({ epoch }) => epoch), settled.map(({ seq }) => seq)],
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
