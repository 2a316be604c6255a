import type { BucketDeclaration } from '../bucket-declaration.ts';
import type { ObjectChange } from '../object-change.ts';
import { sequencerOfTime } from '../sequencer.ts';
import type { NotifiedChange } from './decoded-record.ts';

/** Why a change that was understood cannot be applied to the bucket as it is declared. */
export type UnacceptedReason =
  /** Told in another form than declared: its sequencer does not compare with those that are kept. */
  | 'other_form'
  /** The store orders by nothing, and its clock is not declared to be trusted in its place (`order: event_time`). */
  | 'no_sequencer'
  /** The bucket is declared to send no notifications: its bytes are what listings say. */
  | 'not_expected';

export type AcceptedChange =
  | { readonly kind: 'change'; readonly change: ObjectChange }
  | { readonly kind: 'refused'; readonly reason: UnacceptedReason; readonly detail: string };

/**
 * What a notified change means to the ledger of a declared bucket. Never throws.
 *
 * @param bucketId of the declared bucket, whose name `change` has.
 */
export function acceptChange(
  bucketId: number,
  { notifications, order }: BucketDeclaration,
  { key, version, action, sizeBytes, sequencer, atMs, form }: NotifiedChange,
): AcceptedChange {
  if (notifications.kind === 'none') {
    return refused('not_expected', 'the bucket is declared to send no notifications');
  }
  if (form !== notifications.form) {
    return refused(
      'other_form',
      `the notification is of form ${form}, and the bucket is declared to send ${notifications.form}`,
    );
  }
  // What orders nothing is not in the way of a version of its own: once created and once removed, that is its whole life.
  const ordered = order === 'event_time' ? sequencerOfTime(atMs) : sequencer;
  if (ordered === undefined && version === '') {
    return refused(
      'no_sequencer',
      'the notification has no sequencer; declare order: event_time if the store has none and its clock can be trusted',
    );
  }
  return {
    kind: 'change',
    change: { bucketId, key, version, action, sizeBytes, sequencer: ordered ?? '', atMs },
  };
}

function refused(reason: UnacceptedReason, detail: string): AcceptedChange {
  return { kind: 'refused', reason, detail };
}
