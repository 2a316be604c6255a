import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeNotification } from './decode-notification.ts';
import type { DecodedRecord } from './decoded-record.ts';

function record(object: object = {}, members: object = {}) {
  return {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    eventTime: '2026-11-22T10:00:00.000Z',
    eventName: 'ObjectCreated:Put',
    s3: {
      bucket: { name: 'acme-assets' },
      object: { key: 'k', size: 1, sequencer: '0055AED6DCD90281E5', ...object },
    },
    ...members,
  };
}

function message(...records: readonly unknown[]): string {
  return JSON.stringify({ Records: records });
}

function decodeOne(text: string): DecodedRecord {
  const [decoded, ...others] = decodeNotification(text);
  expect(others).toEqual([]);
  if (decoded === undefined) throw new Error('nothing');
  return decoded;
}

function reasonOf(text: string): string {
  const decoded = decodeOne(text);
  return decoded.kind === 'change' ? 'change' : decoded.reason;
}

function keyOf(key: unknown): string | undefined {
  const decoded = decodeOne(message(record({ key })));
  return decoded.kind === 'change' ? decoded.change.key : undefined;
}

test.each([
  ['red+flower.jpg', 'red flower.jpg'],
  ['a%40b', 'a@b'],
  ['a%2Bb', 'a+b'],
  ['100%25', '100%'],
  ['%252F', '%2F'],
  ['p1//x', 'p1//x'],
  ['%2Fleading', '/leading'],
  ['/leading', '/leading'],
  ['..%2F..', '../..'],
  ['line%0Abreak', 'line\nbreak'],
  ['gr%C3%B6%C3%9Fe/%F0%9F%98%80', 'größe/😀'],
  ['größe', 'größe'],
  ['x'.repeat(1024), 'x'.repeat(1024)],
  ['%C3%B6'.repeat(512), 'ö'.repeat(512)],
])('the key %j is %j', (sent, key) => {
  expect(keyOf(sent)).toBe(key);
});

test.each([
  '%',
  '%4',
  '%zz',
  '%C3',
  '%ED%A0%80',
  '%FF',
  'nul%00',
  'nul\u0000',
  'half\ud83d',
  '',
  'x'.repeat(1025),
  `${'%C3%B6'.repeat(512)}x`,
  17,
  null,
])('the key %j is refused', (key) => {
  expect(reasonOf(message(record({ key })))).toBe('key');
});

test('whatever a key is, it comes back from the escaping of AWS and of MinIO as it was', () => {
  const keys = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 300 })
    .filter((key) => key.isWellFormed() && !key.includes('\u0000'))
    .filter((key) => Buffer.byteLength(key) <= 1024);
  fc.assert(
    fc.property(keys, (key) => {
      const escaped = encodeURIComponent(key).replaceAll('%20', '+');
      expect(keyOf(escaped)).toBe(key);
      expect(keyOf(escaped.replaceAll('%2F', '/'))).toBe(key);
    }),
  );
});

test.each([0, 1, 5 * 2 ** 40, Number.MAX_SAFE_INTEGER])('%d bytes are a size', (size) => {
  expect(decodeOne(message(record({ size })))).toMatchObject({ change: { sizeBytes: size } });
});

test.each(['-1', '1.5', '"9"', 'null', '9007199254740992', '9007199254740993', '1e400', '1e300'])(
  'a size of %s is refused, rounded by JSON.parse or not',
  (size) => {
    const text = message(record({ size: 'SIZE' })).replace('"SIZE"', size);
    expect(reasonOf(text)).toBe('size');
  },
);

test('the size of what was removed is not looked at', () => {
  const text = message(record({ size: 'unknown' }, { eventName: 'ObjectRemoved:Delete' }));
  expect(decodeOne(text)).toMatchObject({ change: { action: 'removed', sizeBytes: 0 } });
});

test.each(['2.0', '2.1', '2.6', '2.7', '2.70', '2'])('version %s is read', (eventVersion) => {
  expect(reasonOf(message(record({}, { eventVersion })))).toBe('change');
});

test.each(['3.0', '1.0', '20.1', '2.x', '', 2.1, null])('version %j is refused', (eventVersion) => {
  expect(reasonOf(message(record({}, { eventVersion })))).toBe('version');
});

test('a new minor version may have more fields', () => {
  expect(
    reasonOf(
      message(
        record(
          { hasObjectAnnotation: true },
          { eventVersion: '2.9', objectRetentionEventData: {}, newData: [1] },
        ),
      ),
    ),
  ).toBe('change');
});

test('an unknown way to create or remove is refused; what is neither is ignored', () => {
  const reason = (eventName: unknown) => reasonOf(message(record({}, { eventName })));
  expect(reason('ObjectCreated:Append')).toBe('event_name');
  expect(reason('s3:ObjectRemoved:Swept')).toBe('event_name');
  expect(reason('LifecycleExpiration:Other')).toBe('event_name');
  expect(reason('ObjectAdmired:Much')).toBe('unknown_event');
  expect(reason('ObjectTagging:Rename')).toBe('no_effect');
  expect(reason('')).toBe('unknown_event');
  expect(reason(7)).toBe('unknown_shape');
});

test.each([
  '2026-02-30T00:00:00Z',
  '2026-11-22T10:00:00',
  '1969-12-31T23:59:59Z',
  '1700000000',
  1_700_000_000,
  null,
])('the time %j is refused', (eventTime) => {
  expect(reasonOf(message(record({}, { eventTime })))).toBe('time');
});

test('versions and names that cannot be stored are refused', () => {
  expect(reasonOf(message(record({ versionId: 'a\u0000' })))).toBe('object_version');
  expect(reasonOf(message(record({ versionId: 'x'.repeat(1025) })))).toBe('object_version');
  expect(reasonOf(message(record({ versionId: 5 })))).toBe('object_version');
  for (const name of ['', 'x'.repeat(256), 'a\ud800', undefined]) {
    const { s3, ...rest } = record();
    expect(reasonOf(message({ ...rest, s3: { ...s3, bucket: { name } } }))).toBe('bucket');
  }
});

test('two records of one key in a message are two changes, in their order', () => {
  const decoded = decodeNotification(
    message(
      record({ size: 5 }),
      record({ size: undefined }, { eventName: 'ObjectRemoved:Delete' }),
    ),
  );
  expect(decoded).toMatchObject([
    { change: { key: 'k', action: 'created', sizeBytes: 5 } },
    { change: { key: 'k', action: 'removed' } },
  ]);
});

test('a bad record does not harm its neighbours, and can be kept alone', () => {
  const bad = [record({ key: '%' }), 'no record', record({ size: -1 }), null];
  const decoded = decodeNotification(message(record(), ...bad, record({ key: 'l' })));
  expect(decoded.map(({ kind }) => kind)).toEqual([
    'change',
    'refused',
    'refused',
    'refused',
    'refused',
    'change',
  ]);
  for (const each of decoded) {
    if (each.kind !== 'ignored') expect(decodeNotification(each.text)).toEqual([each]);
  }
});

test('the text of a record is that of it alone, without its neighbours and envelopes', () => {
  const wrap = (text: string) => JSON.stringify({ Type: 'Notification', Message: text });
  const [, second] = decodeNotification(wrap(wrap(message(record(), record({ key: 'l' })))));
  expect(second).toMatchObject({ kind: 'change', text: message(record({ key: 'l' })) });
});

test.each([
  ['', 'not_json'],
  ['{', 'not_json'],
  ['null', 'unknown_shape'],
  ['[]', 'unknown_shape'],
  ['17', 'unknown_shape'],
  ['"text"', 'unknown_shape'],
  ['{}', 'unknown_shape'],
  ['{"Records":{}}', 'unknown_shape'],
  ['{"Records":[]}', 'empty'],
  ['{"Records":[{}]}', 'unknown_shape'],
  ['{"Type":"Notification","Message":"Hello"}', 'not_json'],
  ['{"Type":"SubscriptionConfirmation","Message":"You have chosen"}', 'unknown_shape'],
  ['{"source":"aws.s3","detail":{}}', 'unknown_event'],
  ['{"source":"aws.ec2","detail-type":"Object Created","detail":{}}', 'unknown_shape'],
  ['{"__proto__":{"Records":[]}}', 'unknown_shape'],
])('%s is %s', (text, reason) => {
  expect(reasonOf(text)).toBe(reason);
});

test('envelopes in envelopes are opened a few times, not for ever', () => {
  let text = message(record());
  const wrap = () => {
    text = JSON.stringify({ Type: 'Notification', Message: text });
  };
  wrap();
  wrap();
  expect(reasonOf(text)).toBe('change');
  wrap();
  wrap();
  expect(reasonOf(text)).toBe('unknown_shape');
});

test('a refused message can be stored, and does not become readable by it', () => {
  const withNul = message(record()).replace('"k"', '"a\u0000b"');
  const decoded = decodeOne(withNul);
  if (decoded.kind !== 'refused') throw new Error('it was believed');
  expect(decoded.text).not.toContain('\u0000');
  expect(decodeOne(decoded.text)).toEqual(decoded);
  const half = decodeOne('{"\ud800');
  expect(half.kind === 'refused' && half.text.isWellFormed()).toBe(true);
});

test('nesting without bound is refused without harm', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  expect(reasonOf(deep)).toBe('unknown_shape');
  expect(reasonOf(`{"Records":[${deep}]}`)).toBe('unknown_shape');
  expect(reasonOf(`{"Records":[{"eventName":"ObjectCreated:Put","s3":${deep}}]}`)).toBe(
    'unknown_shape',
  );
});

/** Whatever it holds, a record is decoded to something that the ledger and its tables can take. */
function expectStorable(decoded: readonly DecodedRecord[]): void {
  expect(decoded.length).toBeGreaterThan(0);
  for (const each of decoded) {
    if (each.kind === 'refused') {
      expect(each.text).not.toContain('\u0000');
      expect(each.text.isWellFormed()).toBe(true);
      expect(each.detail.length).toBeLessThan(300);
      expect(decodeNotification(each.text).some(({ kind }) => kind === 'refused')).toBe(true);
    } else if (each.kind === 'change') {
      const { key, version, sizeBytes, atMs } = each.change;
      expect(Buffer.byteLength(key)).toBeLessThanOrEqual(1024);
      expect(key.isWellFormed() && !key.includes('\u0000')).toBe(true);
      expect(version).not.toBe('null');
      expect(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0).toBe(true);
      expect(Number.isSafeInteger(atMs) && atMs >= 0).toBe(true);
    }
  }
}

test('never throws, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => expectStorable(decodeNotification(text))),
  );
});

test('never throws, whatever the JSON', () => {
  fc.assert(fc.property(fc.json(), (text) => expectStorable(decodeNotification(text))));
});

test('never throws, whatever stands in the fields of a record', () => {
  const anything = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('null', '2.1', 'ceph:s3', 'minio:s3', '2026-11-22T10:00:00Z', undefined),
  );
  const name = fc.oneof(
    anything,
    fc.constantFrom(
      'ObjectCreated:Put',
      'ObjectRemoved:Delete',
      's3:ObjectRemoved:DeleteMarkerCreated',
      'LifecycleExpiration:Delete',
    ),
  );
  const fields = fc.record({
    eventVersion: fc.oneof(fc.constant('2.1'), anything),
    eventSource: anything,
    eventTime: fc.oneof(fc.constant('2026-11-22T10:00:00Z'), anything),
    eventName: name,
    bucket: fc.oneof(fc.constant({ name: 'b' }), anything),
    key: fc.oneof(fc.string(), anything),
    size: fc.oneof(fc.nat(), anything),
    versionId: anything,
    sequencer: anything,
  });
  fc.assert(
    fc.property(fc.array(fields), (all) => {
      const records = all.map(({ bucket, key, size, versionId, sequencer, ...rest }) => ({
        ...rest,
        s3: { bucket, object: { key, size, versionId, sequencer } },
      }));
      const decoded = decodeNotification(message(...records));
      expect(decoded).toHaveLength(Math.max(1, records.length));
      expectStorable(decoded);
    }),
    { numRuns: 500 },
  );
});
