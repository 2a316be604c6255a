import { toTimestamp } from '../../period.ts';
import type { BucketDeclaration } from '../bucket-declaration.ts';
import { latestCredible } from '../clock-ahead.ts';
import type { ObjectChange } from '../object-change.ts';
import { sequencerOfTime } from '../sequencer.ts';
import type { NotifiedChange } from './decoded-record.ts';

/** Why a change that was understood cannot be applied to the bucket as it is declared. */
export type UnacceptedReason =
  /** Told in another form than declared: its sequencer does not compare with those that are kept. */
  | 'other_form'
  /** The store orders by nothing, and its clock is not declared to be trusted in its place (`order: event_time`). */
  | 'no_sequencer'
  /** Time is the order, and this one is ahead of ours: whatever came after it would be too old. */
  | 'clock_ahead'
  /** The bucket is declared to send no notifications: its bytes are what listings say. */
  | 'not_expected';

export type AcceptedChange =
  | { readonly kind: 'change'; readonly change: ObjectChange }
  | { readonly kind: 'refused'; readonly reason: UnacceptedReason; readonly detail: string };

/**
 * What a notified change means to the ledger of a declared bucket. Never throws.
 *
 * Nothing has happened later than now. Where time is the order, a time that is minutes ahead is refused, and may be tried
 * again once it has come or the clock is right.
 *
 * @param bucketId of the declared bucket, whose name `change` has.
 */
export function acceptChange(
  bucketId: number,
  { notifications, order }: BucketDeclaration,
  { key, version, action, sizeBytes, sequencer, atMs, form }: NotifiedChange,
  nowMs: number,
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
  if (order === 'event_time' && atMs > latestCredible(nowMs)) {
    return refused(
      'clock_ahead',
      `the notification is of ${toTimestamp(atMs)}, which is yet to come; the store's clock is wrong`,
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
    change: {
      bucketId,
      key,
      version,
      action,
      sizeBytes,
      sequencer: ordered ?? '',
      atMs: Math.min(atMs, nowMs),
    },
  };
}

function refused(reason: UnacceptedReason, detail: string): AcceptedChange {
  return { kind: 'refused', reason, detail };
}
