/** Random choices that a seed repeats exactly, on every machine. */
export interface SeededRandom {
  /** In [0, 1). */
  next(): number;
  /** A whole number, both ends included. */
  integer(lowest: number, highest: number): number;
  /** @throws RangeError when there is nothing to pick from. */
  pick<T>(items: readonly T[]): T;
  shuffle<T>(items: readonly T[]): T[];
}

/** The 32-bit generator mulberry32 (Tommy Ettinger, public domain): small, and good enough to choose what happens next. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  const integer = (lowest: number, highest: number) =>
    lowest + Math.floor(next() * (highest - lowest + 1));
  return {
    next,
    integer,
    pick(items) {
      if (items.length === 0) throw new RangeError('nothing to pick from');
      return items[integer(0, items.length - 1)] as (typeof items)[number];
    },
    shuffle(items) {
      return items
        .map((item) => ({ item, order: next() }))
        .sort((a, b) => a.order - b.order)
        .map(({ item }) => item);
    },
  };
}
