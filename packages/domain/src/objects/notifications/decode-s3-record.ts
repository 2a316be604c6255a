import { comparableSequencer } from '../sequencer.ts';
import { CEPH_SOURCE, cephSequencer } from './ceph.ts';
import type { ReadRecord } from './decoded-record.ts';
import { type EventEffect, effectOf } from './event-effects.ts';
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

/** Go leaves out a zero: an empty object of MinIO's has no size. */
const LEAVES_OUT_ZERO = 'minio:s3';

/**
 * One of a message's `Records`, of AWS or of a store that speaks alike. By the rule of the S3 User Guide ("Event message
 * structure") the major version must be the one we know; a newer minor one adds fields, which do not concern us.
 *
 * @throws NotBelieved
 */
export function decodeS3Record(record: unknown): ReadRecord {
  const { eventVersion, eventSource, eventName, eventTime, s3 } = membersOf(record);
  const { bucket, object } = membersOf(s3);
  if (typeof eventName !== 'string' || object === undefined) {
    throw new NotBelieved('unknown_shape', 'the record has no eventName or no s3.object');
  }
  if (typeof eventVersion !== 'string' || !/^2(?:\.\d+)?$/.test(eventVersion)) {
    throw new NotBelieved('version', `eventVersion is ${quoted(eventVersion)}`);
  }
  const isCeph = eventSource === CEPH_SOURCE;
  const { key, versionId, size, sequencer } = membersOf(object);
  const effect = effectOf(eventName, isCeph);
  if (effect === 'not_understood') {
    throw new NotBelieved('event_name', `eventName is ${quoted(eventName)}`);
  }
  if (effect !== 'created' && effect !== 'removed' && effect !== 'marked') {
    return { kind: 'ignored', reason: effect };
  }
  const version = objectVersion(versionId);
  // A delete marker of its own version lies in front of what is there, and all of that stays.
  if (effect === 'marked' && version !== '') return { kind: 'ignored', reason: 'no_effect' };
  if (isCeph && isAmbiguous(effect, eventName, version)) {
    return { kind: 'ignored', reason: 'left_to_listing' };
  }
  const isCreated = effect === 'created';
  const sizeOfNothing = eventSource === LEAVES_OUT_ZERO ? 0 : undefined;
  const given = sequencerText(sequencer);
  const comparable = comparableSequencer(isCeph ? cephSequencer(given) : given);
  return {
    kind: 'change',
    change: {
      bucket: bucketName(membersOf(bucket).name),
      form: 's3',
      key: objectKey(key, !isCeph),
      version,
      action: isCreated ? 'created' : 'removed',
      sizeBytes: isCreated ? objectSize(size ?? sizeOfNothing) : 0,
      ...(comparable === undefined ? {} : { sequencer: comparable }),
      atMs: instant(eventTime),
    },
  };
}

/**
 * In a versioned bucket Ceph names the version that it only put a marker in front of, with the event that elsewhere means its
 * end. To believe it would bury a version that is still there, and a version never comes back.
 */
function isAmbiguous(effect: EventEffect, eventName: string, version: string): boolean {
  return (
    effect === 'removed' &&
    version !== '' &&
    /(?:Lifecycle:Expiration:Current|LifecycleExpiration:Delete)$/.test(eventName)
  );
}
