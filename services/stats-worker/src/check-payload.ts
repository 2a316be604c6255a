import { OdometerError } from '@odometer/domain/errors';
import type {
  CountBatch,
  EventBatch,
  MapObjects,
  MessageBatch,
  ObjectBatch,
  RefusedNotification,
} from '@odometer/queues/catalogue';
import { z } from 'zod';

const wholeNumber = z.number().int().nonnegative();
const books = z.object({ received: wholeNumber, rejected: wholeNumber, accepted: wholeNumber });
const header = z.object({
  source: z.string(),
  epoch: z.string().regex(/^\d{1,18}$/),
  seq: wholeNumber.positive(),
  books,
  frozenAtMs: wholeNumber,
});
/** Items are looked at one by one when they are applied; here only their list, or a thousand checks a batch would be wasted. */
const eventBatch = header.extend({ events: z.array(z.unknown()) });
const countBatch = header.extend({
  messages: wholeNumber,
  mark: wholeNumber.max(65_535).nullable(),
  hours: z.array(z.object({ hourMs: wholeNumber, counts: z.array(z.unknown()) })),
});
/** These have no second look: what is not as it should be would fail a whole group, again and again. */
const messageBatch = header.extend({
  origin: z.string(),
  messages: z.array(
    z.object({
      organization: z.string(),
      project: z.string(),
      device: z.string(),
      outbound: z.boolean(),
      sizeBytes: wholeNumber,
      id: z.string(),
      fingerprint: z.string().regex(/^-?\d{1,19}$/),
      atMs: wholeNumber,
    }),
  ),
});

/** Nor have these. Postgres takes no NUL, and no instant far from ours. */
const text = z.string().regex(/^[^\0]*$/);
const objectBatch = header.extend({
  changes: z.array(
    z
      .object({
        bucketId: wholeNumber,
        key: text.min(1).max(1_024),
        version: text.max(1_024),
        action: z.enum(['created', 'removed']),
        sizeBytes: wholeNumber,
        storageClass: text.max(255).optional(),
        sequencer: z.string().regex(/^[0-9A-F]{0,40}$/),
        atMs: z.int().min(0).max(253_402_300_799_999),
      })
      .refine(({ version, sequencer }) => version !== '' || sequencer !== '', {
        path: ['sequencer'],
        message: 'should order what has no version',
      }),
  ),
});

const refusedNotification = z.object({ buckets: z.array(z.string()), text: z.string() });
const mapObjects = z.object({
  bucketId: wholeNumber,
  mappingVersion: wholeNumber,
  part: wholeNumber,
  after: z.object({ key: text, version: text }).nullable(),
});

/**
 * The boundary between what is in Redis and what the appliers trust: whatever is no batch of ours, by another version or
 * another hand, becomes a dead letter instead of an exception in the middle of somebody else's group.
 *
 * @throws OdometerError `job_payload_invalid`
 */
export function checkEventBatch(payload: EventBatch): EventBatch {
  return check(eventBatch, payload);
}

/** The same for a flush. */
export function checkCountBatch(payload: CountBatch): CountBatch {
  return check(countBatch, payload);
}

/** The same for messages that count by their ids. */
export function checkMessageBatch(payload: MessageBatch): MessageBatch {
  return check(messageBatch, payload);
}

/** The same for changes of objects. */
export function checkObjectBatch(payload: ObjectBatch): ObjectBatch {
  return check(objectBatch, payload);
}

/** What such a job carries is read when it is processed; here only that it carries that. */
export function checkRefusedNotification(payload: RefusedNotification): RefusedNotification {
  return check(refusedNotification, payload);
}

export function checkMapObjects(payload: MapObjects): MapObjects {
  return check(mapObjects, payload);
}

function check<Payload>(schema: z.ZodType, payload: Payload): Payload {
  const { error } = schema.safeParse(payload);
  if (error === undefined) return payload;
  const [issue] = error.issues;
  throw new OdometerError('job_payload_invalid', {
    path: issue?.path.join('.') ?? '',
    reason: issue?.message ?? 'is not what was expected',
  });
}
