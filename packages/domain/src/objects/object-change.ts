/**
 * What happened to one object of a declared bucket, as the ledger takes it. Whatever the store's notification looked like,
 * there are only two things to know: it is there now, with so many bytes, or it is not there any more.
 *
 * A version never changes: for it `removed` is final, whenever `created` comes. What has no version (an object of a bucket
 * without versioning, or the null version of one with it) is told apart by its sequencer: the newer one holds.
 */
export interface ObjectChange {
  /** Of the declared bucket. */
  readonly bucketId: number;
  /** Decoded. */
  readonly key: string;
  /** '' for the null version. */
  readonly version: string;
  readonly action: 'created' | 'removed';
  /** 0 when removed: no store says what it was. At most 2^53 - 1. */
  readonly sizeBytes: number;
  readonly storageClass?: string;
  /** Comparable (sequencer.ts); '' for a version whose store gave none. */
  readonly sequencer: string;
  /** When the store did it, by its clock, milliseconds since the epoch. */
  readonly atMs: number;
}
