import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedBucket } from './simulated-bucket.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { StoreEvent } from './store-event.ts';

export interface HistoryOptions {
  readonly random: SeededRandom;
  readonly bucket: SimulatedBucket;
  /** The bucket's; goes on a little with every operation, and at times not at all. */
  readonly clock: SimulatedClock;
  readonly operations: number;
  readonly keys: readonly string[];
  /** @default 1 GiB */
  readonly maxSizeBytes?: number;
  /** Whether versioning is switched now and then; a bucket that has it never loses it again. @default false */
  readonly switchesVersioning?: boolean;
}

export interface HistoryStep {
  /** What was done, for the message of a test that failed. */
  readonly operation: string;
  readonly events: readonly StoreEvent[];
}

type Operation = (options: HistoryOptions, key: string) => readonly StoreEvent[];

/** Named, with how often each is done compared with the others. */
const OPERATIONS: readonly (readonly [name: string, weight: number, operation: Operation])[] = [
  ['put', 30, (options, key) => options.bucket.put(key, randomSize(options))],
  ['post', 3, (options, key) => options.bucket.put(key, randomSize(options), { by: 'Post' })],
  ['copy', 5, copyFromAny],
  ['put nothing', 3, (options, key) => options.bucket.put(key, 0)],
  ['delete', 15, ({ bucket }, key) => bucket.delete(key)],
  ['delete a version', 10, deleteAnyVersion],
  ['expire', 4, ({ bucket }, key) => bucket.expire(key)],
  ['expire noncurrent versions', 3, ({ bucket }, key) => bucket.expireNoncurrent(key)],
  ['start an upload', 4, startUpload],
  ['complete an upload', 3, completeUpload],
  ['abort an upload', 1, abortUpload],
  ['restore', 2, ifThere(({ bucket }, key) => bucket.restore(key))],
  ['tag', 2, ifThere(({ bucket }, key) => bucket.touch(key, 'ObjectTagging:Put'))],
  ['untag', 1, ifThere(({ bucket }, key) => bucket.touch(key, 'ObjectTagging:Delete'))],
  ['set the ACL', 1, ifThere(({ bucket }, key) => bucket.touch(key, 'ObjectAcl:Put'))],
  ['retain', 1, ifThere(({ bucket }, key) => bucket.touch(key, 'ObjectRetention:Put'))],
  ['annotate', 1, ifThere(({ bucket }, key) => bucket.touch(key, 'ObjectAnnotation:Put'))],
  ['transition', 2, ifThere(({ bucket }, key) => bucket.transition(key, 'GLACIER'))],
];

const ALL_WEIGHTS = OPERATIONS.reduce((sum, [, weight]) => sum + weight, 0);

/**
 * What may happen to a bucket: step by step, so that whoever takes the steps can look at the bucket after each. The same
 * seed, keys and bucket give the same history.
 */
export function* randomHistory(options: HistoryOptions): Generator<HistoryStep> {
  const { random, bucket, clock, operations, keys, switchesVersioning = false } = options;
  for (let done = 0; done < operations; done += 1) {
    // Several things may happen within a millisecond.
    if (random.next() < 0.8) clock.advance(random.integer(1, 5_000));
    if (switchesVersioning && random.next() < 0.02) {
      const versioning = bucket.versioning === 'enabled' ? 'suspended' : 'enabled';
      bucket.setVersioning(versioning);
      yield { operation: `versioning: ${versioning}`, events: [] };
    }
    const [name, , operation] = pickOperation(random);
    const key = random.pick(keys);
    yield { operation: `${name}: ${JSON.stringify(key)}`, events: operation(options, key) };
  }
}

function pickOperation(random: SeededRandom) {
  let rest = random.integer(1, ALL_WEIGHTS);
  for (const each of OPERATIONS) {
    rest -= each[1];
    if (rest <= 0) return each;
  }
  throw new RangeError('the weights are those of the operations');
}

function randomSize({ random, maxSizeBytes = 2 ** 30 }: HistoryOptions): number {
  return random.integer(1, maxSizeBytes);
}

function ifThere(operation: Operation): Operation {
  return (options, key) =>
    options.bucket.current(key) === undefined ? [] : operation(options, key);
}

function copyFromAny({ bucket, random, keys }: HistoryOptions, key: string) {
  const from = random.pick(keys);
  return bucket.current(from) === undefined ? [] : bucket.copy(from, key);
}

function deleteAnyVersion({ bucket, random }: HistoryOptions, key: string) {
  const versions = bucket.versionsOf(key);
  return versions.length === 0 ? [] : bucket.deleteVersion(key, random.pick(versions).version);
}

function startUpload(options: HistoryOptions, key: string): readonly StoreEvent[] {
  const { bucket, random } = options;
  const uploadId = bucket.uploads.start(key);
  const parts = random.integer(1, 4);
  for (let part = 1; part <= parts; part += 1) {
    bucket.uploads.putPart(uploadId, part, randomSize(options));
  }
  return [];
}

function completeUpload({ bucket, random }: HistoryOptions): readonly StoreEvent[] {
  const uploads = bucket.uploads.list();
  return uploads.length === 0 ? [] : bucket.completeUpload(random.pick(uploads).uploadId);
}

function abortUpload({ bucket, random }: HistoryOptions): readonly StoreEvent[] {
  const uploads = bucket.uploads.list();
  if (uploads.length > 0) bucket.uploads.abort(random.pick(uploads).uploadId);
  return [];
}
