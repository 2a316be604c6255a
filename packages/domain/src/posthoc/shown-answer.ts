/** Rows that an answer had, and that are not counted as they were. */
export interface LeftOut {
  /** Left out, because they name no project, or, when there are too many, one that nobody has registered. */
  readonly unnamedRows: number;
  readonly onlyRegistered: boolean;
  /** Projects whose rows are one each. */
  readonly mergedProjects: number;
}

/** Says it to people; empty when there is nothing to say. */
export function leftOutText({ unnamedRows, onlyRegistered, mergedProjects }: LeftOut): string {
  const sentences: string[] = [];
  if (onlyRegistered) {
    sentences.push(
      `The answer has too many rows: ${unnamedRows} of projects that nobody has registered, or that can be none, are left out.`,
    );
  } else if (unnamedRows > 0) {
    sentences.push(`${unnamedRows} rows name no project.`);
  }
  if (mergedProjects > 0) {
    sentences.push(
      `The answer has too many rows: those of ${mergedProjects} projects are one each, without dimensions.`,
    );
  }
  return sentences.join(' ');
}

/** An answer of a post-hoc metric as it is shown to somebody who tests it. */
export interface ShownAnswer extends LeftOut {
  /** The first of them. */
  readonly rows: readonly {
    readonly organization: string;
    readonly project: string;
    readonly dimensions: Readonly<Record<string, string | null>>;
    /** Decimal text. */
    readonly value: string;
  }[];
  readonly rowCount: number;
  /** Of the logs, that could not be read. */
  readonly unmatchedLines: number;
  readonly scannedBytes: number;
  /** Files that were read; absent when the engine does not say. */
  readonly logFiles?: number;
}
