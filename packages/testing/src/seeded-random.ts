import {
  type SeededRandom as Choices,
  seededRandom as choices,
} from '@odometer/s3-simulator/seeded-random';

/** Random choices that a seed repeats exactly, and that know their seed. */
export interface SeededRandom extends Choices {
  readonly seed: number;
}

/** A source of randomness for one test run; print the seed, so that a failure can be repeated. */
export function seededRandom(seed: number): SeededRandom {
  return { seed, ...choices(seed) };
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
