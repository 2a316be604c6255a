import { expect, test } from '@jest/globals';
import { deliver } from './delivery.ts';
import { type HistoryStep, randomHistory } from './random-history.ts';
import { randomKeys } from './random-keys.ts';
import { seededRandom } from './seeded-random.ts';
import { SimulatedBucket } from './simulated-bucket.ts';
import { SimulatedClock } from './simulated-clock.ts';

function stepsOf(seed: number): readonly HistoryStep[] {
  const random = seededRandom(seed);
  const clock = new SimulatedClock(1_700_000_000_000);
  const bucket = new SimulatedBucket({ name: 'media', now: clock.now });
  const keys = randomKeys({ random, count: 40, owners: ['acme/robots'] });
  return [
    ...randomHistory({ random, bucket, clock, keys, operations: 2_000, switchesVersioning: true }),
  ];
}

test('a seed gives the same history, with everything in it that can happen', () => {
  const steps = stepsOf(7);
  expect(stepsOf(7)).toEqual(steps);
  expect(stepsOf(8)).not.toEqual(steps);
  expect(new Set(steps.flatMap(({ events }) => events.map(({ name }) => name)))).toEqual(
    new Set([
      'ObjectCreated:Put',
      'ObjectCreated:Post',
      'ObjectCreated:Copy',
      'ObjectCreated:CompleteMultipartUpload',
      'ObjectRemoved:Delete',
      'ObjectRemoved:DeleteMarkerCreated',
      'LifecycleExpiration:Delete',
      'LifecycleExpiration:DeleteMarkerCreated',
      'ObjectRestore:Post',
      'ObjectRestore:Completed',
      'ObjectTagging:Put',
      'ObjectTagging:Delete',
      'ObjectAcl:Put',
      'ObjectRetention:Put',
      'ObjectAnnotation:Put',
      'LifecycleTransition',
    ]),
  );
});

test('keys are distinct, an owner’s, and some as long as S3 allows', () => {
  const keys = randomKeys({ random: seededRandom(1), count: 200, owners: ['acme/robots', 'b/c'] });
  expect(new Set(keys).size).toBe(200);
  expect(keys.every((key) => /^(?:acme\/robots|b\/c)\/./su.test(key))).toBe(true);
  expect(Math.max(...keys.map((key) => Buffer.byteLength(key)))).toBe(1024);
});

test('a delivery loses, doubles and delays as many as it is told to, and nothing else', () => {
  const messages = Array.from({ length: 10_000 }, (_, index) => index);
  const { arriving, late, lost } = deliver(messages, {
    random: seededRandom(3),
    duplicatedShare: 0.2,
    lostShare: 0.1,
    delayedShare: 0.05,
  });
  const came = new Set([...arriving, ...late]);
  expect(came.size + lost.length).toBe(messages.length);
  expect(lost.some((message) => came.has(message))).toBe(false);
  expect(lost.length / messages.length).toBeCloseTo(0.1, 1);
  expect((arriving.length + late.length) / came.size).toBeCloseTo(1.3, 1);
  expect(late.length / (arriving.length + late.length)).toBeCloseTo(0.05, 1);
  expect(arriving).not.toEqual([...arriving].sort((a, b) => a - b));

  const plain = deliver(messages, { random: seededRandom(3), isShuffled: false });
  expect(plain).toEqual({ arriving: messages, late: [], lost: [] });
});
