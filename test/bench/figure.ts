/** One measured figure, printed as one line of JSON. */
export interface Figure {
  readonly bench: string;
  /** Ours: the median of the runs. */
  readonly value: number;
  readonly unit: string;
  /** What it is compared with. */
  readonly against?: string;
  /** Median over the pairs of ours / theirs. */
  readonly ratio?: number;
  readonly ratioMin?: number;
  readonly ratioMax?: number;
  readonly pairs?: number;
  /** Theirs: the median of the runs. */
  readonly baseline?: number;
  /** What is aimed at, in words. */
  readonly target?: string;
  readonly reached?: boolean;
  /** Whatever else explains it. */
  readonly [detail: string]: number | string | boolean | undefined;
}

/** Progress, for whoever waits. Figures alone go to stdout. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
