/** An object, or a version of one, as a listing has it. Delete markers are none. */
export interface ListedObject {
  readonly key: string;
  /** '' is the null version. */
  readonly version: string;
  /** At most 2^53 - 1. */
  readonly sizeBytes: number;
  readonly storageClass?: string;
  /** By the store's clock, whole seconds on most; of a multipart upload on AWS when it was begun. */
  readonly lastModifiedMs: number;
}

/** Keys after `after` (exclusive; null: from the first) up to `until` (inclusive; null: to the last). */
export interface KeyRange {
  readonly after: string | null;
  readonly until: string | null;
}

/** The next piece of a range, with all there is of the keys from the piece before up to `through`. */
export interface ListedPage {
  /** In the order of their keys; whole keys only: all versions of one are in the same page. */
  readonly objects: readonly ListedObject[];
  /** null: to the end of the keys. */
  readonly through: string | null;
  /** Whether the range ends here. */
  readonly isLast: boolean;
  /** Before the store was asked for any of it. What was changed later may be in it, or not. */
  readonly askedAtMs: number;
}

/** Parts of uploads that were begun and not completed: billed by the store, and in no listing of objects. */
export interface UnfinishedUploads {
  readonly uploads: number;
  readonly parts: number;
  readonly bytes: bigint;
  /** Uploads whose parts were not asked for, since there were too many. */
  readonly unread: number;
}

/**
 * Reads what lies in one bucket. Each method may be called several times at once.
 *
 * @throws OdometerError all of them: `target_unavailable`, `target_throttled`, `target_denied`, `target_invalid`;
 *   and the signal's reason when it is aborted.
 */
export interface ObjectLister {
  /** Whether it lists versions, those that are not current too. */
  readonly isVersioned: boolean;
  /** Goes through a range, page by page; a page is asked for when the one before was taken. */
  pages(range: KeyRange, signal: AbortSignal): AsyncIterable<ListedPage>;
  /** What follows `prefix` in keys, up to the next `/` and with it: at most a thousand, in order. */
  prefixes(prefix: string, signal: AbortSignal): Promise<readonly string[]>;
  /** @returns undefined when the store knows no such thing, or does not let us see it. */
  unfinishedUploads(signal: AbortSignal): Promise<UnfinishedUploads | undefined>;
}
