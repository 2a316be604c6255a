import { formEncoded } from './notification.ts';
import type { StoreEvent } from './store-event.ts';

/**
 * The same as MinIO tells it to a webhook or a broker: `s3:` in front of names, `/` escaped in keys, no size where it is
 * zero, and `null` for the null version of a bucket that knows versions (`isVersioned`).
 */
export function minioNotification(event: StoreEvent, { isVersioned = false } = {}): string {
  const name = `s3:${event.name}`;
  return JSON.stringify({
    EventName: name,
    Key: `${event.bucket}/${event.key}`,
    Records: [
      {
        eventVersion: '2.0',
        eventSource: 'minio:s3',
        awsRegion: event.region,
        eventTime: new Date(event.atMs).toISOString(),
        eventName: name,
        userIdentity: { principalId: 'minio' },
        requestParameters: {
          principalId: 'minio',
          region: event.region,
          sourceIPAddress: '192.0.2.1',
        },
        responseElements: { 'x-minio-origin-endpoint': 'http://192.0.2.2:9000' },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'Config',
          bucket: {
            name: event.bucket,
            ownerIdentity: { principalId: 'minio' },
            arn: `arn:aws:s3:::${event.bucket}`,
          },
          object: {
            key: formEncoded(event.key),
            // Go's omitempty.
            size: event.sizeBytes === 0 ? undefined : event.sizeBytes,
            eTag: event.eTag,
            versionId: event.version ?? (isVersioned ? 'null' : undefined),
            sequencer: event.sequencer?.slice(2).padEnd(16, '0') ?? '',
          },
        },
        source: { host: '192.0.2.1', port: '', userAgent: 'MinIO' },
      },
    ],
  });
}
