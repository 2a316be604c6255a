import { hash } from 'node:crypto';
import { digestUuid } from '@odometer/domain/digest';
import type { StoreEvent } from './store-event.ts';

/**
 * What S3 sends to a queue, a topic or a function: usually one record a message, though the form allows several.
 * Fields that S3 leaves out are not there.
 */
export function s3Notification(events: readonly StoreEvent[]): string {
  return JSON.stringify({ Records: events.map((event) => s3Record(event)) });
}

/** Sent once when somebody sets up notifications; it has no records. */
export function s3TestEvent(bucket: string, atMs: number): string {
  return JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: new Date(atMs).toISOString(),
    Bucket: bucket,
    RequestId: requestId(`${bucket}:${atMs}`),
    HostId: 'host',
  });
}

/** What a topic makes of a message for a queue that did not subscribe with raw message delivery. */
export function snsEnvelope(message: string): string {
  return JSON.stringify({
    Type: 'Notification',
    MessageId: digestUuid(message),
    TopicArn: 'arn:aws:sns:us-east-1:111111111111:objects',
    Subject: 'Amazon S3 Notification',
    Message: message,
    Timestamp: '2026-01-01T00:00:00.000Z',
    SignatureVersion: '1',
    Signature: 'EXAMPLE',
    SigningCertURL: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-EXAMPLE.pem',
    UnsubscribeURL: 'https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe',
  });
}

function s3Record(event: StoreEvent): object {
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: event.region,
    eventTime: new Date(event.atMs).toISOString(),
    eventName: event.name,
    userIdentity: { principalId: 'AWS:EXAMPLE' },
    requestParameters: { sourceIPAddress: '192.0.2.1' },
    responseElements: {
      'x-amz-request-id': requestId(`${event.key}:${event.sequencer ?? event.atMs}`),
      'x-amz-id-2': 'host',
    },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'usage',
      bucket: {
        name: event.bucket,
        ownerIdentity: { principalId: 'EXAMPLE' },
        arn: `arn:aws:s3:::${event.bucket}`,
      },
      // JSON.stringify leaves out what is undefined.
      object: {
        key: formEncoded(event.key).replaceAll('%2F', '/'),
        size: event.sizeBytes,
        eTag: event.eTag,
        versionId: event.version,
        sequencer: event.sequencer,
      },
    },
  };
}

/** As forms are: a space is `+`, and all but letters, digits and `*-._` is escaped. S3 leaves `/` alone, MinIO does not. */
export function formEncoded(key: string): string {
  return new URLSearchParams([['', key]]).toString().slice(1);
}

function requestId(of: string): string {
  return hash('sha256', of).slice(0, 16).toUpperCase();
}
