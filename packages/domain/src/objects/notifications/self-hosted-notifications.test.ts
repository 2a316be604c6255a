import { expect, test } from '@jest/globals';
import { decodeNotification } from './decode-notification.ts';
import type { DecodedRecord, NotifiedChange } from './decoded-record.ts';

interface Shape {
  readonly eventVersion: string;
  readonly eventSource: string;
  readonly eventName: string;
  readonly eventTime?: string;
}

function decodeOne(shape: Shape, object: object, around: object = {}): DecodedRecord | undefined {
  const record = {
    awsRegion: '',
    eventTime: '2026-11-22T10:00:00.000Z',
    ...shape,
    s3: { bucket: { name: 'media' }, object },
  };
  return decodeNotification(JSON.stringify({ ...around, Records: [record] }))[0];
}

function changeOf(decoded: DecodedRecord | undefined): NotifiedChange {
  if (decoded?.kind !== 'change') throw new Error(`no change: ${JSON.stringify(decoded)}`);
  return decoded.change;
}

/** As MinIO sends it to a webhook: names with `s3:`, `/` escaped, and zeros left out. */
function minio(name: string, object: object, eventTime?: string) {
  return decodeOne(
    {
      eventVersion: '2.0',
      eventSource: 'minio:s3',
      eventName: `s3:${name}`,
      ...(eventTime === undefined ? {} : { eventTime }),
    },
    { key: 'test12%2FDG+0890%2B.jpg', sequencer: '15612487A9DF732C', ...object },
    { EventName: `s3:${name}`, Key: 'media/test12/DG 0890+.jpg' },
  );
}

test('MinIO: created, with slashes escaped and a time to the second', () => {
  const decoded = minio('ObjectCreated:Put', { size: 629648, eTag: 'b7' }, '2018-10-26T11:18:32Z');
  expect(changeOf(decoded)).toEqual({
    bucket: 'media',
    form: 's3',
    key: 'test12/DG 0890+.jpg',
    version: '',
    action: 'created',
    sizeBytes: 629648,
    sequencer: '15612487A9DF732C',
    atMs: Date.UTC(2018, 9, 26, 11, 18, 32),
  });
});

test('MinIO leaves out the size of an empty object; nobody else does', () => {
  expect(changeOf(minio('ObjectCreated:Put', {})).sizeBytes).toBe(0);
  const aws = decodeOne(
    { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put' },
    { key: 'k', sequencer: '01' },
  );
  expect(aws).toMatchObject({ kind: 'refused', reason: 'size' });
});

test('MinIO: removed without a size, markers, and events that change nothing', () => {
  expect(changeOf(minio('ObjectRemoved:Delete', {}))).toMatchObject({ action: 'removed' });
  expect(minio('ObjectRemoved:DeleteMarkerCreated', { versionId: 'b3c1' })).toEqual({
    kind: 'ignored',
    reason: 'no_effect',
  });
  expect(changeOf(minio('ObjectRemoved:DeleteMarkerCreated', { versionId: 'null' }))).toMatchObject(
    { action: 'removed', version: '' },
  );
  for (const name of [
    'ObjectRemoved:NoOP',
    'ObjectAccessed:Get',
    'ObjectCreated:PutTagging',
    'ObjectCreated:DeleteTagging',
    'ObjectCreated:PutRetention',
    'ObjectCreated:PutLegalHold',
    'ObjectTransition:Complete',
    'Replication:OperationCompletedReplication',
    'Scanner:ManyVersions',
  ]) {
    expect(minio(name, { size: 7 })).toEqual({ kind: 'ignored', reason: 'no_effect' });
  }
});

test('MinIO: versions that go without being named are left to the next listing', () => {
  for (const name of ['ObjectRemoved:DeleteAllVersions', 'LifecycleDelMarkerExpiration:Delete']) {
    expect(minio(name, {})).toEqual({ kind: 'ignored', reason: 'left_to_listing' });
  }
});

test('RustFS: escaped keys, a size even of nothing, and no version where there is none', () => {
  const rustfs = {
    eventVersion: '2.1',
    eventSource: 'rustfs:s3',
    eventName: 's3:ObjectCreated:Put',
  };
  expect(
    changeOf(decodeOne(rustfs, { key: 'a%2Fb', size: 0, sequencer: '18791A2B3C4D5E6F' })),
  ).toMatchObject({ key: 'a/b', sizeBytes: 0, version: '', sequencer: '18791A2B3C4D5E6F' });
});

/** As Ceph's gateway sends it: keys as they are, an empty version, and the memory of a time for a sequencer. */
function ceph(name: string, object: object) {
  return decodeOne(
    {
      eventVersion: '2.2',
      eventSource: 'ceph:s3',
      eventName: name,
      eventTime: '2019-11-22T13:47:35.124724Z',
    },
    {
      key: 'a+b%2F',
      size: 1024,
      eTag: '37b51d194a7513e45b56f6524f2d51f2',
      versionId: '',
      sequencer: 'F7E6D75DC742D108',
      metadata: [],
      tags: [],
      ...object,
    },
  );
}

test('Ceph: keys are not escaped, and a time to the microsecond is one', () => {
  for (const name of ['s3:ObjectCreated:Put', 'ObjectCreated:Put', 'ObjectSynced:Create']) {
    expect(changeOf(ceph(name, {}))).toMatchObject({
      key: 'a+b%2F',
      version: '',
      sizeBytes: 1024,
      atMs: Date.UTC(2019, 10, 22, 13, 47, 35, 124),
    });
  }
});

test('Ceph: sequencers compare as the times do whose memory they are', () => {
  const memory = (seconds: number, nanoseconds: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(seconds, 0);
    bytes.writeUInt32LE(nanoseconds, 4);
    return changeOf(ceph('ObjectCreated:Put', { sequencer: bytes.toString('hex').toUpperCase() }))
      .sequencer;
  };
  const inOrder = [
    memory(1_574_430_455, 255),
    memory(1_574_430_455, 256),
    memory(1_574_430_455, 147_997_383),
    memory(1_574_430_455, 999_999_999),
    memory(1_574_430_456, 0),
    memory(1_574_430_512, 5),
  ];
  expect([...inOrder].sort()).toEqual(inOrder);
  expect(new Set(inOrder).size).toBe(inOrder.length);
});

test('Ceph: removed, although it says a size', () => {
  for (const name of [
    'ObjectRemoved:Delete',
    'ObjectLifecycle:Expiration:Current',
    'ObjectLifecycle:Expiration:Noncurrent',
    'LifecycleExpiration:Delete',
  ]) {
    expect(changeOf(ceph(name, {}))).toMatchObject({ action: 'removed', sizeBytes: 0 });
  }
});

test('Ceph: a version that a rule may only have put a marker in front of is not buried', () => {
  for (const name of ['s3:ObjectLifecycle:Expiration:Current', 'LifecycleExpiration:Delete']) {
    expect(ceph(name, { versionId: 'v1' })).toEqual({
      kind: 'ignored',
      reason: 'left_to_listing',
    });
  }
  expect(changeOf(ceph('ObjectRemoved:Delete', { versionId: 'v1' }))).toMatchObject({
    version: 'v1',
  });
});

test('a store without usable sequencers is read all the same', () => {
  for (const sequencer of [undefined, null, '0', '', 17, 'not hex']) {
    const change = changeOf(
      decodeOne(
        { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put' },
        { key: 'k', size: 1, sequencer },
      ),
    );
    expect(change).not.toHaveProperty('sequencer');
  }
});
