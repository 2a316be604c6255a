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

type Form = (event: StoreEvent, bucket: SimulatedBucket) => string | undefined;

const FORMS: Readonly<Record<string, Form>> = {
  s3: (event) => s3Notification([event]),
  sns: (event) => snsEnvelope(s3Notification([event])),
  eventbridge: (event) => eventBridgeNotification(event),
  minio: (event, { versioning }) =>
    minioNotification(event, { isVersioned: versioning !== 'unversioned' }),
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
  return { bucket, steps: randomHistory({ ...options, switchesVersioning: switches }) };
}

function decodedChanges(message: string | undefined): readonly NotifiedChange[] {
  if (message === undefined) return [];
  return decodeNotification(message).flatMap((record) => {
    if (record.kind === 'refused') throw new Error(`${record.detail}: ${record.text}`);
    return record.kind === 'change' ? [record.change] : [];
  });
}

/** Rows as the ledger has them: live objects by key and version, with their bytes. */
function rowsOf(bucket: SimulatedBucket): string {
  return asText(
    bucket
      .versions()
      .filter(({ isDeleteMarker }) => !isDeleteMarker)
      .map(({ key, version, sizeBytes }) => [JSON.stringify([key, version]), sizeBytes]),
  );
}

/** To compare thousands of times: as maps it takes as long as all else together. */
function asText(rows: Iterable<readonly [string, number]>): string {
  return [...rows]
    .map(([row, sizeBytes]) => `${row} ${sizeBytes}`)
    .sort()
    .join('\n');
}

/** What happens, believed in the order in which it comes. */
function applyInOrder(
  rows: Map<string, number>,
  { key, version, ...change }: NotifiedChange,
): void {
  const row = JSON.stringify([key, version]);
  if (change.action === 'created') rows.set(row, change.sizeBytes);
  else rows.delete(row);
}

const cases = MODES.flatMap((mode) => Object.keys(FORMS).map((form) => [mode, form] as const));

test.each(cases)('%s, as %s: each message decodes to what its operation did', (mode, form) => {
  for (const seed of seedsOfThisRun(5)) {
    const { bucket, steps } = history(seededRandom(seed), mode);
    const rows = new Map<string, number>();
    for (const { operation, events } of steps) {
      for (const event of events) {
        for (const change of decodedChanges(FORMS[form]?.(event, bucket))) {
          expect(change.bucket).toBe('media');
          expect(Math.floor(change.atMs / 1000)).toBe(Math.floor(event.atMs / 1000));
          applyInOrder(rows, change);
        }
      }
      expect({ seed, operation, rows: asText(rows) }).toEqual({
        seed,
        operation,
        rows: rowsOf(bucket),
      });
    }
  }
});

/** The ledger's rules: a removed version never comes back, and of the null version the newest sequencer holds. */
function applyInAnyOrder(changes: readonly NotifiedChange[]): string {
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
  const live = [...latest].filter(([, { action }]) => action === 'created');
  return asText(live.map(([row, { sizeBytes }]) => [row, sizeBytes]));
}

test.each(cases)('%s, as %s: shuffled and doubled, they still tell the truth', (mode, form) => {
  for (const seed of seedsOfThisRun(5)) {
    const random = seededRandom(seed);
    const { bucket, steps } = history(random, mode);
    const sent = [...steps].flatMap(({ events }) =>
      events.flatMap((event) => FORMS[form]?.(event, bucket) ?? []),
    );
    const { arriving, late } = deliver(sent, { random, duplicatedShare: 0.2, delayedShare: 0.1 });
    const changes = [...arriving, ...late].flatMap(decodedChanges);
    expect({ seed, rows: applyInAnyOrder(changes) }).toEqual({ seed, rows: rowsOf(bucket) });
  }
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
