import { describe, expect, test } from '@jest/globals';
import { drawUpBooks, type EpochBooks, type FoundBatch, type Hole } from './books.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const NO_OUTCOME = {
  counted: 0n,
  duplicate: 0n,
  conflicting: 0n,
  invalid: 0n,
  unmetered: 0n,
  unattributed: 0n,
  dead: 0n,
};

function epoch(changes: Partial<EpochBooks>): EpochBooks {
  return {
    kind: 'events',
    source: 'ingest-0',
    epoch: '7',
    received: 110n,
    rejected: 10n,
    accepted: 100n,
    outcome: { ...NO_OUTCOME, counted: 100n },
    holes: [],
    ...changes,
  };
}

const hole = (changes: Partial<Hole> = {}): Hole => ({
  fromSeq: 3,
  toSeq: 5,
  items: 30n,
  sinceMs: NOW - 3_600_000,
  ...changes,
});

/** An epoch of which 70 items are counted and 30 are in a hole. */
const withHole = (changes: Partial<Hole> = {}): EpochBooks =>
  epoch({ outcome: { ...NO_OUTCOME, counted: 70n }, holes: [hole(changes)] });

function draw(epochs: readonly EpochBooks[], found: Readonly<Record<number, FoundBatch>> = {}) {
  const books = drawUpBooks(epochs, (_epoch, seq) => found[seq], NOW);
  const events = books.kinds.find(({ kind }) => kind === 'events');
  if (events === undefined) throw new Error('no books of events');
  return { books, ...events };
}

describe('the books', () => {
  test('close when every accepted item has an outcome, over all epochs and per kind', () => {
    const outcome = {
      counted: 40n,
      duplicate: 20n,
      conflicting: 10n,
      invalid: 10n,
      unmetered: 10n,
      unattributed: 5n,
      dead: 5n,
    };
    const { books, figures } = draw([epoch({}), epoch({ epoch: '8', outcome })]);
    expect(books.closed).toBe(true);
    expect(figures).toMatchObject({ received: 220n, accepted: 200n, counted: 140n, dead: 5n });
    expect(books.kinds.map(({ kind }) => kind)).toEqual(['events', 'mqtt', 'objects']);
  });

  test('close without anything in them', () => {
    expect(drawUpBooks([], () => undefined, NOW).closed).toBe(true);
  });

  test('measure what is in flight and what is dead by what was found', () => {
    const { books, figures } = draw([withHole()], {
      3: { place: 'in flight', items: 10 },
      4: { place: 'dead', items: 15 },
      5: { place: 'in flight', items: 5 },
    });
    expect(books.closed).toBe(true);
    expect(figures).toMatchObject({ in_flight: 15n, dead: 15n, lost: 0n });
  });

  test('do not close when what was found is not what the producer said', () => {
    const { books, broken } = draw([withHole()], {
      3: { place: 'in flight', items: 10 },
      4: { place: 'in flight', items: 10 },
      5: { place: 'in flight', items: 9 },
    });
    expect(books.closed).toBe(false);
    expect(broken).toEqual(['accepted 100 is not counted 70 + in flight 29 (off by 1)']);
  });

  test('name the batches of a hole that are in no place, with their size', () => {
    const { books, lost, figures, broken } = draw([withHole()], {
      4: { place: 'in flight', items: 12 },
    });
    expect(books.closed).toBe(false);
    expect(broken).toEqual([]);
    expect(figures).toMatchObject({ in_flight: 12n, lost: 18n, pending: 0n });
    expect(lost).toEqual([
      {
        kind: 'events',
        source: 'ingest-0',
        epoch: '7',
        seqs: [
          [3, 3],
          [5, 5],
        ],
        batches: 2,
        items: 18n,
        sinceMs: NOW - 3_600_000,
      },
    ]);
  });

  test('leave a hole of less than a minute pending, and closed', () => {
    const { books, lost, pending, figures } = draw([withHole({ sinceMs: NOW - 59_000 })]);
    expect(books.closed).toBe(true);
    expect(lost).toEqual([]);
    expect(pending[0]).toMatchObject({ seqs: [[3, 5]], items: 30n });
    expect(figures).toMatchObject({ pending: 30n, lost: 0n });
  });

  test('find a loss of unknown size, and take batches found beside it as the producer’s word', () => {
    const { books, lost, figures, broken } = draw(
      [epoch({ holes: [hole({ items: undefined })] })],
      { 3: { place: 'in flight', items: 10 } },
    );
    expect(books.closed).toBe(false);
    expect(broken).toEqual([]);
    expect(lost[0]).toMatchObject({ seqs: [[4, 5]], batches: 2, items: undefined });
    expect(figures).toMatchObject({ received: 120n, accepted: 110n, in_flight: 10n, lost: 0n });
  });

  test('show when more was found than a hole can hold, instead of losing a negative number', () => {
    const { figures, broken } = draw([withHole()], { 3: { place: 'in flight', items: 40 } });
    expect(figures.lost).toBe(0n);
    expect(broken).toHaveLength(1);
  });

  test('do not close when received is not accepted and rejected', () => {
    const { books, broken } = draw([epoch({ received: 111n })]);
    expect(books.closed).toBe(false);
    expect(broken).toEqual(['received 111 is not accepted 100 + rejected 10']);
  });
});
