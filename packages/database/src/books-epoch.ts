import type { EpochBooks, Hole } from '@odometer/domain/books';
import type { EpochRow, HoleRow } from './books-queries.ts';
import { addSums, type OutcomeSums } from './books-settled.ts';

/** With the last seq that can be applied, infinite while the epoch is live. */
export interface SealableEpochBooks extends EpochBooks {
  readonly sealedSeq: number;
}

/**
 * One epoch's books from its rows: the producer's newest word, and every hole up to the last seq that is known to have
 * been made durable (applied, acknowledged, or found by whoever sealed the epoch).
 *
 * Above its seal an epoch has no batches: a fenced producer's do not exist. Except those that it acknowledged, which it
 * can only do before anybody begins to take over (see `acknowledge`): then they were durable and are gone.
 */
export function epochBooks(
  row: EpochRow,
  innerHoles: readonly HoleRow[],
  settled: OutcomeSums,
): SealableEpochBooks {
  const sealedSeq = row.sealed_seq === null ? Number.POSITIVE_INFINITY : Number(row.sealed_seq);
  const appliedSeq = Number(row.applied_seq);
  const acknowledgedSeq = Number(row.acknowledged_seq);
  const isAppliedNewer =
    appliedSeq > acknowledgedSeq ||
    (appliedSeq === acknowledgedSeq &&
      BigInt(row.applied_received) > BigInt(row.acknowledged_received));
  const word = isAppliedNewer ? 'applied' : 'acknowledged';
  return {
    kind: row.kind,
    source: row.source,
    epoch: row.epoch,
    sealedSeq,
    received: BigInt(row[`${word}_received`]),
    rejected: BigInt(row[`${word}_rejected`]),
    accepted: BigInt(row[`${word}_accepted`]),
    outcome: addSums(settled, row),
    holes: [
      ...innerHoles.map(innerHole),
      ...tailHoles(row, { appliedSeq, acknowledgedSeq, sealedSeq }),
    ],
  };
}

function innerHole(row: HoleRow): Hole {
  return {
    fromSeq: Number(row.from_seq),
    toSeq: Number(row.to_seq),
    items: BigInt(row.items),
    sinceMs: row.since.getTime(),
  };
}

/** Behind the last applied batch no neighbour tells of a loss; the acknowledgement and the seal do. */
function tailHoles(
  row: EpochRow,
  seqs: {
    readonly appliedSeq: number;
    readonly acknowledgedSeq: number;
    readonly sealedSeq: number;
  },
): readonly Hole[] {
  const { appliedSeq, acknowledgedSeq, sealedSeq } = seqs;
  const holes: Hole[] = [];
  if (acknowledgedSeq > appliedSeq) {
    holes.push({
      fromSeq: appliedSeq + 1,
      toSeq: acknowledgedSeq,
      items: BigInt(row.acknowledged_accepted) - BigInt(row.applied_accepted),
      sinceMs: (row.acknowledged_at ?? row.opened_at).getTime(),
    });
  }
  const saidSeq = Math.max(appliedSeq, acknowledgedSeq);
  if (Number.isFinite(sealedSeq) && sealedSeq > saidSeq) {
    holes.push({
      fromSeq: saidSeq + 1,
      toSeq: sealedSeq,
      items: undefined,
      sinceMs: (row.sealed_at ?? row.opened_at).getTime(),
    });
  }
  return holes;
}
