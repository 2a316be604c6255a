import { decodeNotification } from '@odometer/domain/objects/notifications/decode-notification';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import { s3Notification } from '@odometer/s3-simulator/notification';
import type { StoreEvent } from '@odometer/s3-simulator/store-event';

/** What an event changes, by way of the notification that S3 would send of it. */
export function changeOf(bucketId: number, event: StoreEvent): readonly ObjectChange[] {
  return changesOf(bucketId, s3Notification([event]));
}

/** What a notification changes of the bucket that it is about. */
export function changesOf(bucketId: number, text: string): readonly ObjectChange[] {
  return decodeNotification(text).flatMap((record) => {
    if (record.kind === 'refused') throw new Error(`${record.reason}: ${record.detail}`);
    if (record.kind !== 'change') return [];
    const { bucket: _, form: __, sequencer = '', ...change } = record.change;
    return [{ bucketId, ...change, sequencer }];
  });
}
