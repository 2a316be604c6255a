import type { BatchOutcome } from './batch.ts';

/**
 * The books: what producers say they took, against what became of it.
 *
 *     received = accepted + rejected
 *     accepted = counted + duplicate + conflicting + invalid + unmetered + unattributed + dead + in flight + pending + lost
 *
 * Nothing on the right is computed as the remainder of the rest. Producers number their batches without gaps, so what is
 * not applied is a hole with a number; each hole is looked for by its number, and only what is in no place is missing.
 */

/** Kinds of intake. Webhooks become events, so they are in the books of events; objects are what stores notify of. */
const INTAKE_KINDS = ['events', 'mqtt', 'objects'] as const;
export type IntakeKind = (typeof INTAKE_KINDS)[number];

/** A hole younger than this is pending, not lost: a failover of Redis or a restart of Postgres may be going on. */
const PENDING_MS = 60_000;

/** Consecutive batches of an epoch that are not applied. */
export interface Hole {
  readonly fromSeq: number;
  /** Inclusive. */
  readonly toSeq: number;
  /**
   * What the batches of the hole hold together, by the producer's running totals on both sides of it. Undefined at the
   * end of an epoch whose producer died before it said how much was in its last batches.
   */
  readonly items: bigint | undefined;
  /** Since when the hole is known, milliseconds since the epoch: a later batch was applied, or the producer acknowledged. */
  readonly sinceMs: number;
}

/** One life of a producer. */
export interface EpochBooks {
  readonly kind: IntakeKind;
  readonly source: string;
  readonly epoch: string;
  /** The producer's newest word: its running totals. */
  readonly received: bigint;
  readonly rejected: bigint;
  readonly accepted: bigint;
  /** Sums over the applied batches. */
  readonly outcome: Readonly<Record<keyof BatchOutcome, bigint>>;
  readonly holes: readonly Hole[];
}

/** Where a batch that was not applied has been found, and what it holds. */
export interface FoundBatch {
  /** `in flight`: in Redis, or applied while we were looking. `dead`: kept as a dead letter. */
  readonly place: 'in flight' | 'dead';
  readonly items: number;
}

/** The figures of the identities, in the order in which they are shown. */
export const FIGURES = [
  'received',
  'rejected',
  'accepted',
  'counted',
  'duplicate',
  'conflicting',
  'invalid',
  'unmetered',
  'unattributed',
  'dead',
  'in_flight',
  'pending',
  'lost',
] as const;
export type Figure = (typeof FIGURES)[number];

/** Batches of one hole that are in no place. */
export interface MissingBatches {
  readonly kind: IntakeKind;
  readonly source: string;
  readonly epoch: string;
  /** Ranges of seqs, both ends included. */
  readonly seqs: readonly (readonly [from: number, to: number])[];
  readonly batches: number;
  /** Undefined when nobody knows. */
  readonly items: bigint | undefined;
  readonly sinceMs: number;
}

export interface KindBooks {
  readonly kind: IntakeKind;
  readonly figures: Readonly<Record<Figure, bigint>>;
  /** Which identities do not hold, as sentences with their figures. */
  readonly broken: readonly string[];
  /** Younger than a minute, in no place: looked at again, they are found or lost. */
  readonly pending: readonly MissingBatches[];
  readonly lost: readonly MissingBatches[];
}

export interface Books {
  readonly readAtMs: number;
  readonly kinds: readonly KindBooks[];
  /** The identities hold, and nothing is lost. */
  readonly closed: boolean;
}

/**
 * Draws up the books.
 *
 * @param find where a batch of a hole was found; undefined when it is in no place.
 */
export function drawUpBooks(
  epochs: readonly EpochBooks[],
  find: (epoch: string, seq: number) => FoundBatch | undefined,
  nowMs: number,
): Books {
  const kinds = INTAKE_KINDS.map((kind) =>
    drawUpKind(
      kind,
      epochs.filter((epoch) => epoch.kind === kind),
      find,
      nowMs,
    ),
  );
  return {
    readAtMs: nowMs,
    kinds,
    closed: kinds.every(({ broken, lost }) => broken.length === 0 && lost.length === 0),
  };
}

function drawUpKind(
  kind: IntakeKind,
  epochs: readonly EpochBooks[],
  find: (epoch: string, seq: number) => FoundBatch | undefined,
  nowMs: number,
): KindBooks {
  const figures: Record<Figure, bigint> = { ...NOTHING };
  const pending: MissingBatches[] = [];
  const lost: MissingBatches[] = [];
  for (const epoch of epochs) {
    figures.received += epoch.received;
    figures.rejected += epoch.rejected;
    figures.accepted += epoch.accepted;
    for (const [name, items] of Object.entries(epoch.outcome)) {
      figures[name as keyof BatchOutcome] += items;
    }
    for (const hole of epoch.holes) {
      const looked = lookInto(hole, (seq) => find(epoch.epoch, seq));
      figures.dead += looked.dead;
      figures.in_flight += looked.inFlight;
      if (hole.items === undefined) {
        // The producer said nothing of these; the batches that were found are its word.
        figures.received += looked.dead + looked.inFlight;
        figures.accepted += looked.dead + looked.inFlight;
      }
      if (looked.missing.length === 0) continue;
      const isLost = nowMs - hole.sinceMs > PENDING_MS;
      figures[isLost ? 'lost' : 'pending'] += looked.missingItems ?? 0n;
      (isLost ? lost : pending).push({
        kind,
        source: epoch.source,
        epoch: epoch.epoch,
        seqs: looked.missing,
        batches: looked.missing.reduce((sum, [from, to]) => sum + to - from + 1, 0),
        items: looked.missingItems,
        sinceMs: hole.sinceMs,
      });
    }
  }
  return { kind, figures, broken: brokenIdentities(figures), pending, lost };
}

const NOTHING = Object.fromEntries(FIGURES.map((figure) => [figure, 0n])) as Record<Figure, bigint>;

interface LookedInto {
  readonly dead: bigint;
  readonly inFlight: bigint;
  readonly missing: readonly (readonly [from: number, to: number])[];
  readonly missingItems: bigint | undefined;
}

function lookInto(hole: Hole, find: (seq: number) => FoundBatch | undefined): LookedInto {
  let dead = 0n;
  let inFlight = 0n;
  const missing: [number, number][] = [];
  for (let seq = hole.fromSeq; seq <= hole.toSeq; seq += 1) {
    const found = find(seq);
    if (found?.place === 'dead') dead += BigInt(found.items);
    else if (found !== undefined) inFlight += BigInt(found.items);
    else {
      const last = missing.at(-1);
      if (last !== undefined && last[1] === seq - 1) last[1] = seq;
      else missing.push([seq, seq]);
    }
  }
  const rest = hole.items === undefined ? undefined : hole.items - dead - inFlight;
  // More was found than the hole can hold: then nothing is left to be missing, and the identity breaks, visibly.
  const missingItems = rest === undefined || rest >= 0n ? rest : 0n;
  return { dead, inFlight, missing, missingItems };
}

const OUTCOMES = FIGURES.filter((figure) => !['received', 'rejected', 'accepted'].includes(figure));

function brokenIdentities(figures: Readonly<Record<Figure, bigint>>): readonly string[] {
  const broken: string[] = [];
  if (figures.received !== figures.accepted + figures.rejected) {
    broken.push(
      `received ${figures.received} is not accepted ${figures.accepted} + rejected ${figures.rejected}`,
    );
  }
  const outcomes = OUTCOMES.reduce((sum, figure) => sum + figures[figure], 0n);
  if (figures.accepted !== outcomes) {
    const terms = OUTCOMES.filter((figure) => figures[figure] !== 0n)
      .map((figure) => `${figure.replace('_', ' ')} ${figures[figure]}`)
      .join(' + ');
    broken.push(
      `accepted ${figures.accepted} is not ${terms || 'nothing'} (off by ${figures.accepted - outcomes})`,
    );
  }
  return broken;
}
