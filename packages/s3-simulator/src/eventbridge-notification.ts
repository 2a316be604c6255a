import { hash } from 'node:crypto';
import { digestUuid } from '@odometer/domain/digest';
import type { EventName, StoreEvent } from './store-event.ts';

const REASONS: Partial<Record<EventName, string>> = {
  'ObjectCreated:Put': 'PutObject',
  'ObjectCreated:Post': 'POST Object',
  'ObjectCreated:Copy': 'CopyObject',
  'ObjectCreated:CompleteMultipartUpload': 'CompleteMultipartUpload',
  'ObjectRemoved:Delete': 'DeleteObject',
  'ObjectRemoved:DeleteMarkerCreated': 'DeleteObject',
  'LifecycleExpiration:Delete': 'Lifecycle Expiration',
  'LifecycleExpiration:DeleteMarkerCreated': 'Lifecycle Expiration',
};

const DETAIL_TYPES: Partial<Record<EventName, string>> = {
  'ObjectRestore:Post': 'Object Restore Initiated',
  'ObjectRestore:Completed': 'Object Restore Completed',
  'ObjectTagging:Put': 'Object Tags Added',
  'ObjectTagging:Delete': 'Object Tags Deleted',
  'ObjectAcl:Put': 'Object ACL Updated',
  LifecycleTransition: 'Object Storage Class Changed',
};

/**
 * The same as EventBridge sends it: keys as they are, and sequencers without 00 in front, which do not compare with those
 * of S3's own notifications.
 *
 * @returns undefined for what EventBridge does not tell of.
 */
export function eventBridgeNotification(event: StoreEvent): string | undefined {
  const isCreated = event.name.startsWith('ObjectCreated:');
  const isRemoved = /^(?:ObjectRemoved|LifecycleExpiration):/.test(event.name);
  const detailType = isCreated
    ? 'Object Created'
    : isRemoved
      ? 'Object Deleted'
      : DETAIL_TYPES[event.name];
  if (detailType === undefined) return undefined;
  const deletionType = event.name.endsWith(':Delete')
    ? 'Permanently Deleted'
    : 'Delete Marker Created';
  const identity = JSON.stringify(event);
  return JSON.stringify({
    version: '0',
    id: digestUuid(identity),
    'detail-type': detailType,
    source: 'aws.s3',
    account: '111111111111',
    time: `${new Date(event.atMs).toISOString().slice(0, 19)}Z`,
    region: event.region,
    resources: [`arn:aws:s3:::${event.bucket}`],
    detail: {
      version: '0',
      bucket: { name: event.bucket },
      object: {
        key: event.key,
        size: event.sizeBytes,
        etag: isRemoved ? undefined : event.eTag,
        'version-id': event.version,
        sequencer: isCreated || isRemoved ? event.sequencer?.slice(2).toLowerCase() : undefined,
      },
      'request-id': hash('sha256', identity).slice(32, 48).toUpperCase(),
      requester: '111111111111',
      'source-ip-address': '192.0.2.1',
      reason: REASONS[event.name],
      'deletion-type': isRemoved ? deletionType : undefined,
    },
  });
}
