import { expect, test } from '@jest/globals';
import { decodeNotification } from '@odometer/domain/objects/notifications/decode-notification';
import type { NotifiedChange } from '@odometer/domain/objects/notifications/decoded-record';
import { seedsOfThisRun } from '@odometer/testing/seeded-random';
import { deliver } from './delivery.ts';
import { eventBridgeNotification } from './eventbridge-notification.ts';
import { minioNotification } from './minio-notification.ts';
import { s3Notification, s3TestEvent, snsEnvelope } from './notification.ts';
import { randomHistory } from './random-history.ts';
import { randomKeys } from './random-keys.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';
import { SimulatedBucket, type Versioning } from './simulated-bucket.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { StoreEvent } from './store-event.ts';

/** No message of what the form has no word for. */
type Form = (event: StoreEvent, bucket: SimulatedBucket) => readonly string[];

const FORMS: Readonly<Record<string, Form>> = {
  s3: (event) => [s3Notification([event])],
  sns: (event) => [snsEnvelope(s3Notification([event]))],
  eventbridge: (event) => [eventBridgeNotification(event) ?? []].flat(),
  minio: (event, { versioning }) => [
    minioNotification(event, { isVersioned: versioning !== 'unversioned' }),
  ],
};

const MODES: readonly (Versioning | 'switching')[] = [
  'unversioned',
  'enabled',
  'suspended',
  'switching',
];

function history(random: SeededRandom, mode: Versioning | 'switching') {
  const clock = new SimulatedClock(Date.UTC(2026, 10, 22, 23, 55));
  const switches = mode === 'switching';
  const versioning = mode === 'switching' ? 'unversioned' : mode;
  const bucket = new SimulatedBucket({ name: 'media', versioning, now: clock.now });
  const keys = randomKeys({ random, count: 24, owners: ['acme/robots', 'größe/p1'] });
  const options = { random, bucket, clock, operations: 300, keys };
  return { bucket, keys, steps: randomHistory({ ...options, switchesVersioning: switches }) };
}

function decodedChanges(message: string): readonly NotifiedChange[] {
  return decodeNotification(message).flatMap((record) => {
    if (record.kind === 'refused') throw new Error(`${record.detail}: ${record.text}`);
    return record.kind === 'change' ? [record.change] : [];
  });
}

/** Live objects with their bytes, by version; the rows that the ledger has of one key. */
type Rows = Readonly<Record<string, number>>;

function rowsOf(bucket: SimulatedBucket, key: string): Rows {
  const live = bucket.versionsOf(key).filter(({ isDeleteMarker }) => !isDeleteMarker);
  return Object.fromEntries(live.map(({ version, sizeBytes }) => [version, sizeBytes]));
}

const cases = MODES.flatMap((mode) => Object.keys(FORMS).map((form) => [mode, form] as const));

function expectSame(
  seed: number,
  bucket: SimulatedBucket,
  keys: readonly string[],
  rows: ReadonlyMap<string, Rows>,
): void {
  for (const key of keys) {
    const expected = { seed, key, rows: rowsOf(bucket, key) };
    expect({ seed, key, rows: rows.get(key) ?? {} }).toEqual(expected);
  }
}

test.each(cases)('%s, as %s: each message decodes to what its operation did', (mode, form) => {
  for (const seed of seedsOfThisRun(2)) {
    const { bucket, keys, steps } = history(seededRandom(seed), mode);
    const rows = new Map<string, Rows>();
    for (const { operation, events } of steps) {
      for (const event of events) {
        for (const change of (FORMS[form]?.(event, bucket) ?? []).flatMap(decodedChanges)) {
          expect(change).toMatchObject({ bucket: 'media', key: event.key });
          expect(Math.floor(change.atMs / 1000)).toBe(Math.floor(event.atMs / 1000));
          // Believed in the order in which it comes, as nobody could who has it from a queue.
          const { [change.version]: _, ...others } = rows.get(change.key) ?? {};
          const isCreated = change.action === 'created';
          const now = isCreated ? { ...others, [change.version]: change.sizeBytes } : others;
          rows.set(change.key, now);
        }
      }
      for (const key of new Set(events.map((event) => event.key))) {
        const expected = { seed, operation, rows: rowsOf(bucket, key) };
        expect({ seed, operation, rows: rows.get(key) ?? {} }).toEqual(expected);
      }
    }
    expectSame(seed, bucket, keys, rows);
  }
});

/** The ledger's rules: a removed version never comes back, and of the null version the newest sequencer holds. */
function rowsInAnyOrder(changes: readonly NotifiedChange[]): ReadonlyMap<string, Rows> {
  const latest = new Map<string, NotifiedChange>();
  for (const change of changes) {
    const row = JSON.stringify([change.key, change.version]);
    const before = latest.get(row);
    const isLater =
      before === undefined ||
      (change.version === ''
        ? (change.sequencer ?? '') > (before.sequencer ?? '')
        : before.action === 'created');
    if (isLater) latest.set(row, change);
  }
  const rows = new Map<string, Rows>();
  for (const { key, version, action, sizeBytes } of latest.values()) {
    if (action === 'created') rows.set(key, { ...rows.get(key), [version]: sizeBytes });
  }
  return rows;
}

test.each(cases)('%s, as %s: shuffled and doubled, they still tell the truth', (mode, form) => {
  for (const seed of seedsOfThisRun(5)) {
    const random = seededRandom(seed);
    const { bucket, keys, steps } = history(random, mode);
    const sent: string[] = [];
    for (const { events } of steps) {
      for (const event of events) sent.push(...(FORMS[form]?.(event, bucket) ?? []));
    }
    const { arriving, late } = deliver(sent, { random, duplicatedShare: 0.2, delayedShare: 0.1 });
    const changes = [...arriving, ...late].flatMap(decodedChanges);
    expectSame(seed, bucket, keys, rowsInAnyOrder(changes));
  }
});

test('a rule that stamps midnight loses against a put of the same day, which only a listing puts right', () => {
  const clock = new SimulatedClock(Date.UTC(2026, 10, 22, 10));
  const bucket = new SimulatedBucket({ name: 'media', now: clock.now });
  const expired = (key: string) => bucket.expire(key, { stampsMidnight: true });
  const ofBefore = bucket.put('of the day before', 1);
  clock.advance(86_400_000);
  const events = [...ofBefore, ...bucket.put('of today', 2), ...expired('of the day before')];
  const changes = decodedChanges(s3Notification([...events, ...expired('of today')]));
  expect([...rowsInAnyOrder(changes)]).toEqual([['of today', { '': 2 }]]);
  expect(bucket.totals()).toEqual({ bytes: 0n, objects: 0 });
});

test('one message may carry what happened to several objects', () => {
  const clock = new SimulatedClock(1_700_000_000_000);
  const bucket = new SimulatedBucket({ name: 'media', now: clock.now });
  const events = [...bucket.put('a b+%.bin', 1), ...bucket.put('a/ö', 2)];
  const text = s3Notification(events);
  expect(text).toContain('"key":"a+b%2B%25.bin"');
  expect(text).toContain('"key":"a/%C3%B6"');
  expect(decodedChanges(text).map(({ key }) => key)).toEqual(['a b+%.bin', 'a/ö']);
});

test('the test event is one', () => {
  expect(decodeNotification(s3TestEvent('media', 0))).toEqual([
    { kind: 'ignored', reason: 'test_event' },
  ]);
});
