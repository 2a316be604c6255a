/** What a notification says happened, before anybody asked which declared bucket it is about. */
export interface NotifiedChange {
  /** As the store calls it. */
  readonly bucket: string;
  /** Sequencers of the two do not compare with one another. */
  readonly form: 's3' | 'eventbridge';
  /** Decoded; at most 1,024 bytes of UTF-8, and nothing that Postgres or JSON cannot hold. */
  readonly key: string;
  /** '' for the null version, whatever the store calls it. */
  readonly version: string;
  readonly action: 'created' | 'removed';
  /** 0 when removed. A whole number, at most 2^53 - 1. */
  readonly sizeBytes: number;
  /** Comparable (sequencer.ts); not there when the store gave none, or one that orders nothing. */
  readonly sequencer?: string;
  /** When the store did it, by its clock, milliseconds since the epoch. */
  readonly atMs: number;
}

/** Why a notification changes nothing, and nobody needs to look at it. */
export type IgnoredReason =
  /** Sent when notifications are set up. */
  | 'test_event'
  /** A message without records. */
  | 'empty'
  /** Tags, ACLs, restored copies, delete markers …: what is billed as stored stays the same. */
  | 'no_effect'
  /** It frees bytes, and does not say which; the next listing will. */
  | 'left_to_listing'
  /** Of a kind that is new to us, and is not about creating or removing. */
  | 'unknown_event';

/** Why a notification is not believed. It may have been about bytes, so somebody has to look at it. */
export type RefusedReason =
  /** No JSON. */
  | 'not_json'
  /** JSON, and no notification of any kind we know. */
  | 'unknown_shape'
  /** Of another major version, in which fields may mean something else. */
  | 'version'
  /** Creates or removes in a way that is new to us. */
  | 'event_name'
  | 'bucket'
  | 'key'
  | 'object_version'
  | 'size'
  | 'time';

export interface RefusedRecord {
  readonly kind: 'refused';
  readonly reason: RefusedReason;
  /** One sentence, bounded in length. */
  readonly detail: string;
  /**
   * The record alone, as a message that is refused for the same reason when it is decoded again; the whole message when it
   * could not be taken apart. Postgres can hold it.
   */
  readonly text: string;
}

/** What a record says, read. */
export type ReadRecord =
  | { readonly kind: 'change'; readonly change: NotifiedChange }
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason };

export interface DecodedChange {
  readonly kind: 'change';
  readonly change: NotifiedChange;
  /** The record alone, as a message; written when it is asked for. For the rare change that is refused after all. */
  readonly text: string;
}

/** What one record of a message comes to. */
export type DecodedRecord =
  | DecodedChange
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason }
  | RefusedRecord;
