import { expect, test } from '@jest/globals';
import { decodeNotification } from './decode-notification.ts';

/**
 * What AWS really sent (recorded on 2025-01-21, and published by LocalStack's tests), with the variable values filled in:
 * field for field, so that what is absent here is absent there.
 */
const PUT_VERSIONED = {
  key: 'test-key',
  size: 13,
  eTag: '6869c34ca384e0ed836d49214f881e87',
  versionId: 'v1',
  sequencer: '0055AED6DCD90281E5',
};
const NULL_PUT_SUSPENDED = {
  key: 'test-key',
  size: 13,
  eTag: '2fb1d4988881168bbcd6432d7593be5a',
  sequencer: '0055AED6DCD90281E6',
};
const REMOVED = { key: 'test-key', sequencer: '0055AED6DCD90281E7' };
const VERSION_REMOVED = { key: 'test-key', versionId: 'v1', sequencer: '0055AED6DCD90281E8' };
const MARKER = {
  key: 'test-key',
  eTag: 'd41d8cd98f00b204e9800998ecf8427e',
  versionId: 'm1',
  sequencer: '0055AED6DCD90281E9',
};
const RESTORED = { key: 'k', size: 9, eTag: '437b930d', sequencer: '0055AED6DCD90281EA' };
const TAGGED = { key: 'k', eTag: 'f3e6da48d914f3f04f6bd9cb092c044d' };

function record(eventName: string, object: object, eventVersion = '2.1') {
  return {
    eventVersion,
    eventSource: 'aws:s3',
    awsRegion: 'eu-central-1',
    eventTime: '2025-01-21T23:21:10.123Z',
    eventName,
    userIdentity: { principalId: 'AWS:AROA' },
    requestParameters: { sourceIPAddress: '192.0.2.1' },
    responseElements: { 'x-amz-request-id': 'amz-request-id', 'x-amz-id-2': 'amz-id' },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'config',
      bucket: {
        name: 'acme-assets',
        ownerIdentity: { principalId: 'A3' },
        arn: 'arn:aws:s3:::acme-assets',
      },
      object,
    },
  };
}

function decodeOne(eventName: string, object: object, eventVersion?: string) {
  const decoded = decodeNotification(
    JSON.stringify({ Records: [record(eventName, object, eventVersion)] }),
  );
  expect(decoded).toHaveLength(1);
  return decoded[0];
}

const AT_MS = Date.UTC(2025, 0, 21, 23, 21, 10, 123);
const created = {
  bucket: 'acme-assets',
  form: 's3',
  key: 'test-key',
  action: 'created',
  sizeBytes: 13,
  atMs: AT_MS,
};
const removed = { ...created, action: 'removed', sizeBytes: 0 };

test.each([
  ['ObjectCreated:Put'],
  ['ObjectCreated:Post'],
  ['ObjectCreated:Copy'],
  ['ObjectCreated:CompleteMultipartUpload'],
])('%s creates the version, with its size', (eventName) => {
  expect(decodeOne(eventName, PUT_VERSIONED)).toEqual({
    kind: 'change',
    change: { ...created, version: 'v1', sequencer: '0055AED6DCD90281E5' },
  });
});

test('a put into a suspended bucket creates the null version', () => {
  expect(decodeOne('ObjectCreated:Put', NULL_PUT_SUSPENDED)).toEqual({
    kind: 'change',
    change: { ...created, version: '', sequencer: '0055AED6DCD90281E6' },
  });
});

test.each(['ObjectRemoved:Delete', 'LifecycleExpiration:Delete'])(
  '%s removes the null version, or the one it names, and says no size',
  (eventName) => {
    expect(decodeOne(eventName, REMOVED)).toEqual({
      kind: 'change',
      change: { ...removed, version: '', sequencer: '0055AED6DCD90281E7' },
    });
    expect(decodeOne(eventName, VERSION_REMOVED)).toEqual({
      kind: 'change',
      change: { ...removed, version: 'v1', sequencer: '0055AED6DCD90281E8' },
    });
  },
);

test.each(['ObjectRemoved:DeleteMarkerCreated', 'LifecycleExpiration:DeleteMarkerCreated'])(
  '%s frees nothing in a bucket with versioning, and the null version in a suspended one',
  (eventName) => {
    expect(decodeOne(eventName, MARKER)).toEqual({ kind: 'ignored', reason: 'no_effect' });
    for (const versionId of [undefined, null, '', 'null']) {
      expect(decodeOne(eventName, { ...MARKER, versionId })).toEqual({
        kind: 'change',
        change: { ...removed, version: '', sequencer: '0055AED6DCD90281E9' },
      });
    }
  },
);

test.each([
  ['ObjectRestore:Post', '2.1', RESTORED],
  ['ObjectRestore:Completed', '2.1', RESTORED],
  ['ObjectRestore:Delete', '2.3', RESTORED],
  ['ObjectTagging:Put', '2.3', TAGGED],
  ['ObjectTagging:Delete', '2.3', TAGGED],
  ['ObjectAcl:Put', '2.3', TAGGED],
  ['ObjectRetention:Put', '2.6', TAGGED],
  ['ObjectAnnotation:Put', '2.6', TAGGED],
  ['ObjectAnnotation:Delete', '2.6', TAGGED],
  ['LifecycleTransition', '2.3', TAGGED],
  ['IntelligentTiering', '2.3', TAGGED],
  ['Replication:OperationReplicatedAfterThreshold', '2.2', TAGGED],
  ['Replication:Create', '2.2', RESTORED],
  ['ReducedRedundancyLostObject', '2.1', TAGGED],
])('%s changes neither bytes nor sequencer', (eventName, eventVersion, object) => {
  expect(decodeOne(eventName, object, eventVersion)).toEqual({
    kind: 'ignored',
    reason: 'no_effect',
  });
});

test('the test event changes nothing', () => {
  const text =
    '{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2025-01-21T23:21:10.123Z","Bucket":"acme-assets","RequestId":"X","HostId":"Y"}';
  expect(decodeNotification(text)).toEqual([{ kind: 'ignored', reason: 'test_event' }]);
});

test('an SNS envelope is opened, whatever is in it', () => {
  const inner = JSON.stringify({ Records: [record('ObjectCreated:Put', PUT_VERSIONED)] });
  const envelope = (message: string) =>
    JSON.stringify({
      Type: 'Notification',
      MessageId: '11111111-1111-1111-1111-111111111111',
      TopicArn: 'arn:aws:sns:eu-central-1:111111111111:topic',
      Subject: 'Amazon S3 Notification',
      Message: message,
      Timestamp: '2025-01-21T23:21:11.000Z',
      SignatureVersion: '1',
      Signature: 'signature',
      SigningCertURL: 'https://sns/cert.pem',
      UnsubscribeURL: 'https://sns/?Action=Unsubscribe',
    });
  expect(decodeNotification(envelope(inner))).toEqual(decodeNotification(inner));
  expect(decodeNotification(envelope(eventBridge('Object Created', {})))).toEqual(
    decodeNotification(eventBridge('Object Created', {})),
  );
  expect(decodeNotification(envelope('{"Event":"s3:TestEvent"}'))).toEqual([
    { kind: 'ignored', reason: 'test_event' },
  ]);
});

function eventBridge(detailType: string, detail: object, object: object = {}): string {
  return JSON.stringify({
    version: '0',
    id: '11111111-1111-1111-1111-111111111111',
    'detail-type': detailType,
    source: 'aws.s3',
    account: '111111111111',
    time: '2025-01-21T23:21:10Z',
    region: 'eu-central-1',
    resources: ['arn:aws:s3:::acme-assets'],
    detail: {
      version: '0',
      bucket: { name: 'acme-assets' },
      object: {
        key: 'a+b c%20',
        size: 4,
        etag: '8d777f385d3dfec8815d20f7496026dc',
        sequencer: '617f08299329d189',
        ...object,
      },
      'request-id': 'request-id',
      requester: '111111111111',
      'source-ip-address': '192.0.2.1',
      reason: 'PutObject',
      ...detail,
    },
  });
}

const ofEventBridge = {
  bucket: 'acme-assets',
  form: 'eventbridge',
  key: 'a+b c%20',
  version: '',
  sequencer: '617F08299329D189',
  atMs: Date.UTC(2025, 0, 21, 23, 21, 10),
};

test('EventBridge’s keys are taken as they are', () => {
  expect(decodeNotification(eventBridge('Object Created', {}))).toEqual([
    { kind: 'change', change: { ...ofEventBridge, action: 'created', sizeBytes: 4 } },
  ]);
});

test('EventBridge says what was deleted, and whether that was a marker being put', () => {
  const deleted = (deletionType: string, object: object) =>
    decodeNotification(
      eventBridge(
        'Object Deleted',
        { 'deletion-type': deletionType },
        { size: undefined, ...object },
      ),
    );
  const change = { ...ofEventBridge, action: 'removed', sizeBytes: 0 };
  expect(deleted('Permanently Deleted', {})).toEqual([{ kind: 'change', change }]);
  expect(deleted('Permanently Deleted', { 'version-id': 'v1' })).toEqual([
    { kind: 'change', change: { ...change, version: 'v1' } },
  ]);
  expect(deleted('Delete Marker Created', { 'version-id': 'm1' })).toEqual([
    { kind: 'ignored', reason: 'no_effect' },
  ]);
  expect(deleted('Delete Marker Created', { 'version-id': 'null' })).toEqual([
    { kind: 'change', change },
  ]);
  expect(deleted('Set Aside', { 'version-id': 'v1' })).toMatchObject([
    { kind: 'refused', reason: 'event_name' },
  ]);
});

test.each([
  'Object Restore Initiated',
  'Object Restore Completed',
  'Object Restore Expired',
  'Object Storage Class Changed',
  'Object Access Tier Changed',
  'Object ACL Updated',
  'Object Tags Added',
  'Object Tags Deleted',
])('EventBridge’s “%s” changes nothing', (detailType) => {
  expect(decodeNotification(eventBridge(detailType, {}))).toEqual([
    { kind: 'ignored', reason: 'no_effect' },
  ]);
});

test('what EventBridge may tell of one day is not miscounted', () => {
  expect(decodeNotification(eventBridge('Object Admired', {}))).toEqual([
    { kind: 'ignored', reason: 'unknown_event' },
  ]);
  expect(
    decodeNotification(eventBridge('Object Created', { 'event-version': '1.7' })),
  ).toMatchObject([{ kind: 'change' }]);
  expect(
    decodeNotification(eventBridge('Object Created', { 'event-version': '2.0' })),
  ).toMatchObject([{ kind: 'refused', reason: 'version' }]);
});
