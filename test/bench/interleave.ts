import { note } from './figure.ts';
import { median, rounded } from './statistics.ts';

/** One way to do the work that is measured. @returns its rate. */
export interface Contestant<Name extends string> {
  readonly name: Name;
  readonly run: () => Promise<number>;
}

export type Rates<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/**
 * Runs all contestants in each round, and begins with another one each time: what else the machine does, and what the one
 * before left behind, then falls on all alike.
 *
 * @returns the rates of each, in order of rounds.
 */
export async function interleave<Name extends string>(
  title: string,
  rounds: number,
  contestants: readonly Contestant<Name>[],
): Promise<Rates<Name>> {
  const rates = Object.fromEntries(
    contestants.map(({ name }): [Name, number[]] => [name, []]),
  ) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    const first = round % contestants.length;
    const order = [...contestants.slice(first), ...contestants.slice(0, first)];
    note(`  ${title} ${round + 1}/${rounds}`);
    for (const { name, run } of order) {
      const rate = await run();
      note(`    ${name} ${rounded(rate)}`);
      rates[name].push(rate);
    }
  }
  return rates;
}

/** The median over the rounds of ours / theirs, and how far the rounds were apart. */
export function compare(
  ours: readonly number[],
  theirs: readonly number[],
): {
  readonly ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  readonly pairs: number;
  readonly baseline: number;
} {
  const ratios = ours.map((rate, i) => rate / (theirs[i] ?? Number.NaN));
  return {
    ratio: rounded(median(ratios)),
    ratioMin: rounded(Math.min(...ratios)),
    ratioMax: rounded(Math.max(...ratios)),
    pairs: ratios.length,
    baseline: rounded(median(theirs)),
  };
}
