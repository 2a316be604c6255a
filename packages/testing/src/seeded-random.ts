/** Random numbers that a seed repeats exactly, on every machine. */
export interface SeededRandom {
  readonly seed: number;
  /** In [0, 1). */
  next(): number;
  /** A whole number, both ends included. */
  integer(lowest: number, highest: number): number;
  pick<T>(items: readonly T[]): T;
  shuffle<T>(items: readonly T[]): T[];
}

/** The 32-bit generator mulberry32 (Tommy Ettinger, public domain): small, and good enough to choose moments. */
function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** A source of randomness for one test run; print the seed, so that a failure can be repeated. */
export function seededRandom(seed: number): SeededRandom {
  const next = mulberry32(seed);
  const integer = (lowest: number, highest: number) =>
    lowest + Math.floor(next() * (highest - lowest + 1));
  return {
    seed,
    next,
    integer,
    pick(items) {
      const item = items[integer(0, items.length - 1)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
    shuffle(items) {
      return items
        .map((item) => ({ item, order: next() }))
        .sort((a, b) => a.order - b.order)
        .map(({ item }) => item);
    },
  };
}

/**
 * The seeds of a repeated test: `SEED=7` runs just that one, `SEEDS=50` runs as many, each fresh;
 * otherwise `few`, as fits `make test`.
 *
 * @param times of a test that takes a second where those that crash processes take a minute: `SEEDS=50` runs so many times
 *   as many.
 */
export function seedsOfThisRun(few: number, times = 1): readonly number[] {
  const { SEED, SEEDS } = process.env;
  if (SEED !== undefined && SEED !== '') return [Number(SEED)];
  const count = SEEDS === undefined || SEEDS === '' ? few : Number(SEEDS) * times;
  return Array.from({ length: count }, () => Math.floor(Math.random() * 0x1_0000_0000));
}
