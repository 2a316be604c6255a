import type { BatchOutcome } from '@odometer/domain/batch';
import { inTransaction, type Pool, type Queryable } from '../pool.ts';

/** Rows of a transaction: some ten milliseconds, for which appliers of that epoch may have to wait. */
const BATCHES_A_STEP = 5_000;

const OUTCOMES: readonly (keyof BatchOutcome)[] = [
  'counted',
  'duplicate',
  'conflicting',
  'invalid',
  'unmetered',
  'unattributed',
  'dead',
];

/**
 * Folds the rows of applied batches into their epochs: of each, the batches 1, 2, 3 … up to the first that is not applied,
 * or is younger than `ageMs`. Nothing is forgotten: a batch up to `applied_through` is applied, for ever.
 *
 * The age is by the clock of Postgres. It must be longer than a reading of the books may take: that takes a batch for
 * lost which is applied and compacted between its two looks.
 *
 * @returns how many rows it folded.
 */
export async function compactBatches(
  pool: Pool,
  ageMs: number,
  signal: AbortSignal,
  batchesAStep = BATCHES_A_STEP,
): Promise<number> {
  let folded = 0;
  for (const epoch of await compactableEpochs(pool, ageMs)) {
    for (let step = batchesAStep; step === batchesAStep; folded += step) {
      if (signal.aborted) return folded;
      step = await compactEpoch(pool, epoch, ageMs, batchesAStep);
    }
  }
  return folded;
}

async function compactableEpochs(db: Queryable, ageMs: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ epoch: string }>(
    `select e.epoch
     from source_epochs e
     join applied_batches b on b.epoch = e.epoch and b.seq = e.applied_through + 1
     where b.applied_at <= now() - $1 * interval '1 ms'
     order by 1`,
    [ageMs],
  );
  return rows.map(({ epoch }) => epoch);
}

/** One step for one epoch. @returns how many rows it folded. */
async function compactEpoch(
  pool: Pool,
  epoch: string,
  ageMs: number,
  maxBatches: number,
): Promise<number> {
  return inTransaction(pool, async (transaction) => {
    // First, as appliers of counts and seals do; then nobody else compacts this epoch.
    const { rows: locked } = await transaction.query<{ applied_through: string }>(
      'select applied_through from source_epochs where epoch = $1 for no key update',
      [epoch],
    );
    const through = Number(locked[0]?.applied_through ?? 0);
    const { rows } = await transaction.query<{ folded: number; through: string | null }>(
      `with next as (
         select seq, applied_at, row_number() over (order by seq) as place
         from applied_batches where epoch = $1 and seq > $2 order by seq limit $3
       ), prefix as (
         select seq, bool_and(seq = $2 + place and applied_at <= now() - $4 * interval '1 ms')
           over (order by seq) as is_whole
         from next
       ), gone as (
         delete from applied_batches b using prefix p
         where p.is_whole and b.epoch = $1 and b.seq = p.seq
         returning b.*
       ), sums as (
         select count(*)::int as folded, max(seq) as through,
           (array_agg(received order by seq desc))[1] as received,
           (array_agg(rejected order by seq desc))[1] as rejected,
           (array_agg(accepted order by seq desc))[1] as accepted,
           ${OUTCOMES.map((name) => `sum(${name}) as ${name}`).join(', ')}
         from gone
       ), added as (
         update source_epochs e
         set applied_through = s.through, through_received = s.received, through_rejected = s.rejected,
           through_accepted = s.accepted,
           ${OUTCOMES.map((name) => `through_${name} = e.through_${name} + s.${name}`).join(', ')}
         from sums s where e.epoch = $1 and s.folded > 0
       )
       select folded, through from sums`,
      [epoch, through, maxBatches, ageMs],
    );
    const { folded = 0, through: newThrough = null } = rows[0] ?? {};
    // Would forget a batch, or apply it twice: nothing but a bug leads here.
    if (folded > 0 && Number(newThrough) - through !== folded) {
      throw new Error(`compaction of epoch ${epoch} from ${through} to ${newThrough} has a hole`);
    }
    return folded;
  });
}
