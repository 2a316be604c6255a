/** An answer of a post-hoc metric as it is shown to somebody who tests it. */
export interface ShownAnswer {
  /** The first of them. */
  readonly rows: readonly {
    readonly organization: string;
    readonly project: string;
    readonly dimensions: Readonly<Record<string, string | null>>;
    /** Decimal text. */
    readonly value: string;
  }[];
  readonly rowCount: number;
  /** Left out, because they name no project. */
  readonly unnamedRows: number;
  /** Of the logs, that could not be read. */
  readonly unmatchedLines: number;
  readonly scannedBytes: number;
  /** Files that were read; absent when the engine does not say. */
  readonly logFiles?: number;
}
