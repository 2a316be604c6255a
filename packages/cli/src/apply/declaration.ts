import type { Queryable, Transaction } from '@odometer/database/pool';
import type { ProjectName } from '@odometer/database/registry';

/** The fields of a thing, by name; compared and shown as JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** One valid document: what should be, and how to find out what is and to make it so. */
export interface Declaration {
  /** For people, and unique within a file: `Meter gpu_seconds`. */
  readonly label: string;
  /** As in the audit log: `meter`. */
  readonly noun: string;
  readonly subject: string;
  readonly desired: Fields;
  /** Undefined when there is none yet. */
  readonly read: (db: Queryable) => Promise<Fields | undefined>;
  /** Why what is there may not be changed into what is desired; one sentence each. */
  readonly refusals: (
    current: Fields,
    db: Queryable,
  ) => readonly string[] | Promise<readonly string[]>;
  /**
   * What it refers to that is neither there nor declared in the same file; one sentence each.
   *
   * @param declared labels of all that is declared.
   */
  readonly missing?: (db: Queryable, declared: ReadonlySet<string>) => Promise<readonly string[]>;
  /** Safe to repeat. */
  readonly write: (transaction: Transaction) => Promise<void>;
  readonly changesCatalogue?: true;
  /** Label of something else that is there once this is. */
  readonly provides?: string;
  /** The project whose kept usage is to be applied afterwards. */
  readonly registers?: ProjectName;
}

/** A valid declaration, or what is wrong with it, one sentence each. */
export type Parsed = Declaration | readonly string[];

export function isProblems<Valid>(parsed: Valid | readonly string[]): parsed is readonly string[] {
  return Array.isArray(parsed);
}
