import type { UnacceptedReason } from '@odometer/domain/objects/notifications/accept-change';
import { decodeNotification } from '@odometer/domain/objects/notifications/decode-notification';
import type {
  IgnoredReason,
  RefusedReason,
} from '@odometer/domain/objects/notifications/decoded-record';
import { findChange } from '@odometer/domain/objects/notifications/find-change';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import type { DeclaredBucket } from '../buckets/read-buckets.ts';

/** Why nothing is made of a record though somebody should look at it: a closed set, because it labels a metric. */
export type RefusalReason =
  | RefusedReason
  | UnacceptedReason
  /** The bucket is declared, in a way that this version cannot read. */
  | 'declaration'
  /** Two buckets of this name, of different stores, are declared for one source. */
  | 'ambiguous_bucket';

/** Objects and not lists, so that the compiler finds what is missing. */
const REFUSALS: Readonly<Record<RefusalReason, true>> = {
  not_json: true,
  unknown_shape: true,
  version: true,
  event_name: true,
  bucket: true,
  key: true,
  object_version: true,
  size: true,
  time: true,
  other_form: true,
  no_sequencer: true,
  clock_ahead: true,
  not_expected: true,
  declaration: true,
  ambiguous_bucket: true,
};
const IGNORED: Readonly<Record<IgnoredReason, true>> = {
  test_event: true,
  empty: true,
  no_effect: true,
  left_to_listing: true,
  unknown_event: true,
};
export const REFUSAL_REASONS = Object.keys(REFUSALS) as readonly RefusalReason[];
export const IGNORED_REASONS = Object.keys(IGNORED) as readonly IgnoredReason[];

export interface RefusedRecord {
  readonly reason: RefusalReason;
  /** The record alone, or the whole message when it could not be taken apart. */
  readonly text: string;
}

/** What a notification comes to. */
export interface SortedRecords {
  readonly changes: readonly ObjectChange[];
  readonly refused: readonly RefusedRecord[];
  readonly ignored: readonly IgnoredReason[];
  /** How many were of buckets that are not declared for the source. */
  readonly undeclared: number;
}

/**
 * Takes a notification apart: which records are changes of declared buckets, and what becomes of the others. One that is bad
 * harms none beside it. Never throws.
 *
 * @param buckets those that the source may speak for.
 * @param unreadable our names of buckets whose declaration cannot be read, by the store's: what is said of them is kept.
 */
export function sortRecords(
  text: string,
  buckets: readonly DeclaredBucket[],
  unreadable: ReadonlyMap<string, string>,
): SortedRecords {
  const changes: ObjectChange[] = [];
  const refused: RefusedRecord[] = [];
  const ignored: IgnoredReason[] = [];
  let undeclared = 0;
  const nowMs = Date.now();
  for (const record of decodeNotification(text)) {
    if (record.kind === 'ignored') {
      ignored.push(record.reason);
      continue;
    }
    if (record.kind === 'refused') {
      refused.push(record);
      continue;
    }
    const found = findChange(buckets, record.change, nowMs);
    if (found.kind === 'change') changes.push(found.change);
    else if (found.kind === 'refused') refused.push({ reason: found.reason, text: record.text });
    else if (unreadable.has(record.change.bucket)) {
      refused.push({ reason: 'declaration', text: record.text });
    } else undeclared += 1;
  }
  return { changes, refused, ignored, undeclared };
}
