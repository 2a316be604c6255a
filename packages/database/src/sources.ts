import type { ProducerBooks } from '@odometer/domain/batch';
import type { IntakeKind } from '@odometer/domain/books';
import type { Queryable, Transaction } from './pool.ts';

/**
 * The life of an epoch: live → sealed. Live: its producer numbers batches 1, 2, 3 …, the worker applies them in any
 * order. Sealed: `sealed_seq` is its last batch; a higher one comes from a producer that has been replaced and is fenced.
 * A sealed epoch is never opened again and never forgotten.
 */

export interface OpenEpoch {
  readonly source: string;
  readonly kind: IntakeKind;
  /** Which process it is, for people: a pod name. */
  readonly instance: string;
}

/** Opens a new life of a source. The epoch is unique over all sources and rises for ever. */
export async function openEpoch(
  db: Queryable,
  { source, kind, instance }: OpenEpoch,
): Promise<string> {
  const { rows } = await db.query<{ epoch: string }>(
    `with known as (
       insert into sources (source, kind) values ($1, $2)
       on conflict (source) do update set source = excluded.source
       returning source
     )
     insert into source_epochs (source, instance) select source, $3 from known
     returning epoch`,
    [source, kind, instance],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('insert into source_epochs returned no row');
  return row.epoch;
}

/** The unsealed epochs of a source before `epoch`, oldest first: the lives that a takeover has to seal. */
export async function unsealedEpochsBefore(
  db: Queryable,
  source: string,
  epoch: string,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ epoch: string }>(
    `select epoch from source_epochs
     where source = $1 and epoch < $2 and sealed_seq is null
     order by epoch`,
    [source, epoch],
  );
  return rows.map((row) => row.epoch);
}

/** The lowest seq that is not applied, 1 for an epoch without batches. */
export async function firstUnappliedSeq(db: Queryable, epoch: string): Promise<number> {
  const { rows } = await db.query<{ seq: string }>(
    `select coalesce(min(b.seq + 1), 1) as seq
     from (
       select applied_through as seq from source_epochs where epoch = $1
       union all
       select seq from applied_batches where epoch = $1
     ) b
     where not exists (select 1 from applied_batches n where n.epoch = $1 and n.seq = b.seq + 1)`,
    [epoch],
  );
  return Number(rows[0]?.seq ?? 1);
}

/** Whether a batch is applied. */
export async function isApplied(db: Queryable, epoch: string, seq: number): Promise<boolean> {
  const { rows } = await db.query<{ applied: boolean }>(
    `select exists (select 1 from applied_batches where epoch = $1 and seq = $2)
       or exists (select 1 from source_epochs where epoch = $1 and applied_through >= $2) as applied`,
    [epoch, seq],
  );
  return rows[0]?.applied === true;
}

export interface EpochProgress {
  /** The highest applied seq, 0 for none. */
  readonly appliedSeq: number;
  /** The highest seq its producer is known to hold for durable, 0 for none. */
  readonly acknowledgedSeq: number;
  /** The mark of the highest applied batch; before the first one the mark it inherited. */
  readonly mark: number | null;
}

/** How far an epoch is known to have got. */
export async function epochProgress(db: Queryable, epoch: string): Promise<EpochProgress> {
  const { rows } = await db.query<{
    mark_seq: string;
    acknowledged_seq: string;
    mark: number | null;
  }>('select mark_seq, acknowledged_seq, mark from source_epochs where epoch = $1', [epoch]);
  const row = rows[0];
  if (row === undefined) throw new Error(`epoch ${epoch} does not exist`);
  return {
    appliedSeq: Number(row.mark_seq),
    acknowledgedSeq: Number(row.acknowledged_seq),
    mark: row.mark,
  };
}

/** Gives a new epoch the mark with which its predecessors ended. In the transaction that seals them, or not at all. */
export async function inheritMark(
  transaction: Transaction,
  epoch: string,
  mark: number | null,
): Promise<void> {
  await transaction.query('update source_epochs set mark = $2 where epoch = $1 and mark_seq = 0', [
    epoch,
    mark,
  ]);
}

/** The oldest and the newest epoch of a source. Undefined when it has none. */
export async function epochRange(
  db: Queryable,
  source: string,
): Promise<{ readonly oldest: string; readonly newest: string } | undefined> {
  const { rows } = await db.query<{ oldest: string | null; newest: string | null }>(
    'select min(epoch) as oldest, max(epoch) as newest from source_epochs where source = $1',
    [source],
  );
  const { oldest, newest } = rows[0] ?? { oldest: null, newest: null };
  return oldest === null || newest === null ? undefined : { oldest, newest };
}

export interface SealedEpoch {
  readonly sealedSeq: number;
  /** Mark of the highest applied batch, and that batch's seq (0: none is applied). */
  readonly mark: number | null;
  readonly markSeq: number;
}

/**
 * Seals an epoch at `lastSeq`, or at its highest applied batch if that is higher (a batch may have slipped in between the
 * look and the lock). One statement, so the row lock it takes is the same that appliers take. Sealing a sealed epoch
 * changes nothing and returns what is there.
 */
export async function sealEpoch(
  db: Queryable,
  epoch: string,
  lastSeq: number,
): Promise<SealedEpoch> {
  const { rows } = await db.query<{ sealed_seq: string; mark: number | null; mark_seq: string }>(
    `update source_epochs
     set sealed_seq = coalesce(sealed_seq, greatest($2::bigint, mark_seq)),
         sealed_at = coalesce(sealed_at, now())
     where epoch = $1
     returning sealed_seq, mark, mark_seq`,
    [epoch, lastSeq],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`epoch ${epoch} does not exist`);
  return { sealedSeq: Number(row.sealed_seq), mark: row.mark, markSeq: Number(row.mark_seq) };
}

/** The newest sealed life of a source and where it stopped; undefined when the source has none. */
export async function lastSealedEpoch(
  db: Queryable,
  source: string,
): Promise<({ readonly epoch: string } & SealedEpoch) | undefined> {
  const { rows } = await db.query<{
    epoch: string;
    sealed_seq: string;
    mark: number | null;
    mark_seq: string;
  }>(
    `select epoch, sealed_seq, mark, mark_seq from source_epochs
     where source = $1 and sealed_seq is not null
     order by epoch desc limit 1`,
    [source],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    epoch: row.epoch,
    sealedSeq: Number(row.sealed_seq),
    mark: row.mark,
    markSeq: Number(row.mark_seq),
  };
}

export interface Acknowledgement {
  readonly epoch: string;
  /** The highest seq that the producer knows durable, with all below it. */
  readonly seq: number;
  readonly books: ProducerBooks;
}

/**
 * The producer's own word on how far it got, about once a second: what Redis loses at the very end of a sequence leaves
 * no hole between neighbours, and is found by this mark only. Ignored once the epoch is sealed, or the source has a newer
 * epoch: a fenced producer believes in batches that a seal has swallowed. Seals begin after the newer epoch is opened, so
 * what is acknowledged here was durable, and the books may call it lost when it is in no place.
 */
export async function acknowledge(
  db: Queryable,
  { epoch, seq, books }: Acknowledgement,
): Promise<void> {
  await db.query(
    `update source_epochs
     set acknowledged_seq = greatest(acknowledged_seq, $2), acknowledged_at = now(),
         received = greatest(received, $3), rejected = greatest(rejected, $4), accepted = greatest(accepted, $5)
     where epoch = $1 and sealed_seq is null and not exists (
       select 1 from source_epochs newer
       where newer.source = source_epochs.source and newer.epoch > source_epochs.epoch
     )`,
    [epoch, seq, books.received, books.rejected, books.accepted],
  );
}

/** The filter of the source's MQTT session as last stored. */
export async function storedFilter(db: Queryable, source: string): Promise<string | null> {
  const { rows } = await db.query<{ filter: string | null }>(
    'select filter from sources where source = $1',
    [source],
  );
  return rows[0]?.filter ?? null;
}

/** Remembers the filter of the source's MQTT session. */
export async function storeFilter(db: Queryable, source: string, filter: string): Promise<void> {
  await db.query('update sources set filter = $2 where source = $1', [source, filter]);
}
