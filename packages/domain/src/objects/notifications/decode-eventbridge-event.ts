import { comparableSequencer } from '../sequencer.ts';
import type { ReadRecord } from './decoded-record.ts';
import {
  bucketName,
  instant,
  membersOf,
  NotBelieved,
  objectKey,
  objectSize,
  objectVersion,
  quoted,
  sequencerText,
} from './object-fields.ts';

/** What EventBridge tells of an object, and which never changes what is billed as stored. */
const NO_EFFECT = new Set([
  'Object Restore Initiated',
  'Object Restore Completed',
  'Object Restore Expired',
  'Object Storage Class Changed',
  'Object Access Tier Changed',
  'Object ACL Updated',
  'Object Tags Added',
  'Object Tags Deleted',
]);

/**
 * S3's events in EventBridge's form ("EventBridge event message structure" of the S3 User Guide). Once it is switched on
 * for a bucket all kinds are sent.
 *
 * @throws NotBelieved
 */
export function decodeEventBridgeEvent(event: Readonly<Record<string, unknown>>): ReadRecord {
  const { 'detail-type': detailType, time } = event;
  const detail = membersOf(event.detail);
  // Of the detail; the envelope's version is always 0, and older events have none.
  const { 'event-version': eventVersion } = detail;
  if (eventVersion !== undefined && !/^1(?:\.\d+)?$/.test(String(eventVersion))) {
    throw new NotBelieved('version', `event-version is ${quoted(eventVersion)}`);
  }
  const isCreated = detailType === 'Object Created';
  if (!isCreated && detailType !== 'Object Deleted') {
    const isKnown = typeof detailType === 'string' && NO_EFFECT.has(detailType);
    return { kind: 'ignored', reason: isKnown ? 'no_effect' : 'unknown_event' };
  }
  const object = membersOf(detail.object);
  const version = objectVersion(object['version-id']);
  if (!isCreated && version !== '' && !freesVersion(detail['deletion-type'])) {
    return { kind: 'ignored', reason: 'no_effect' };
  }
  const comparable = comparableSequencer(sequencerText(object.sequencer));
  return {
    kind: 'change',
    change: {
      bucket: bucketName(membersOf(detail.bucket).name),
      form: 'eventbridge',
      key: objectKey(object.key, false),
      version,
      action: isCreated ? 'created' : 'removed',
      sizeBytes: isCreated ? objectSize(object.size) : 0,
      ...(comparable === undefined ? {} : { sequencer: comparable }),
      atMs: instant(time),
    },
  };
}

/** Only of a version of its own; the null version is gone either way, deleted or replaced by a marker. */
function freesVersion(deletionType: unknown): boolean {
  if (deletionType === 'Permanently Deleted') return true;
  if (deletionType === 'Delete Marker Created') return false;
  throw new NotBelieved('event_name', `deletion-type is ${quoted(deletionType)}`);
}
