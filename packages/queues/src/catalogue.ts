import type { BatchId, ProducerBooks } from '@odometer/domain/batch';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import type { Purpose, TargetKind } from '@odometer/domain/measured-target';
import type { ObjectChange } from '@odometer/domain/objects/object-change';

/** What every batch carries besides its items. */
export interface BatchHeader extends BatchId {
  readonly books: ProducerBooks;
  /** When the batch was frozen, milliseconds since the epoch. */
  readonly frozenAtMs: number;
}

/** Up to 1,000 events or 1 MB, grouped across requests. */
export interface EventBatch extends BatchHeader {
  readonly events: readonly EventEnvelope[];
}

/** Messages, bytes and units of one topic owner in one hour: in, then out. A tuple, because a flush holds thousands. */
export type MessageCount = readonly [
  organization: string,
  project: string,
  device: string,
  inboundMessages: number,
  inboundBytes: number,
  inboundUnits: number,
  outboundMessages: number,
  outboundBytes: number,
  outboundUnits: number,
];

/** An event that was poison in its batch and is tried again; its batch is applied, and has it among its dead. */
export interface DeadEvent extends BatchId {
  /** Its place in the batch. */
  readonly index: number;
  readonly event: EventEnvelope;
}

/** One flush of an MQTT counter. */
export interface CountBatch extends BatchHeader {
  /** Packet id of the last QoS 1 message counted so far in the session, whose PUBACK is withheld; null when there is none. */
  readonly mark: number | null;
  /** Messages held, the sum over `hours`; an empty flush (only rejected messages) has 0. */
  readonly messages: number;
  readonly hours: readonly { readonly hourMs: number; readonly counts: readonly MessageCount[] }[];
}

/** A message that carries an id, under which it counts once however often it is delivered. */
export interface IdentifiedMessage {
  readonly organization: string;
  readonly project: string;
  /** Empty when devices are not told apart. */
  readonly device: string;
  readonly outbound: boolean;
  /** Topic plus payload. */
  readonly sizeBytes: number;
  readonly id: string;
  /** Of topic and size: the same id with another one is a conflict. Signed 64-bit, decimal text. */
  readonly fingerprint: string;
  /** When it arrived at the counter, milliseconds since the epoch. */
  readonly atMs: number;
}

/** Up to 1,000 messages of a source that may deliver one more than once. */
export interface MessageBatch extends BatchHeader {
  /** What the ids are unique within: `aws-iot`. */
  readonly origin: string;
  readonly messages: readonly IdentifiedMessage[];
}

/** Takes the place of flush `seq` of a dead epoch, so that its producer can never enqueue it any more. */
export interface Seal extends BatchId {
  /** Who seals: the epoch that takes over. */
  readonly sealedBy: string;
}

/** Changes that stores have notified of. */
export interface ObjectBatch extends BatchHeader {
  readonly changes: readonly ObjectChange[];
}

/**
 * A notification that could not be read, or not be believed. It is read again by whoever processes it, and fails again, so that
 * it is kept as a dead letter with its reason, and can be tried again once the reason is gone.
 */
export interface RefusedNotification {
  /** Names of the declared buckets that the source it came from is for. */
  readonly buckets: readonly string[];
  /** The one record that was refused, or the whole message when it could not be taken apart; text as it came. */
  readonly text: string;
}

/** Applies what was unattributed until a project was registered. */
export interface AttributeUsage {
  readonly organization: string;
  readonly project: string;
}

/** Why the periods are looked at: one of the scheduler's bells, a worker's start, or somebody who asks. */
export type Bell = 'hourly' | 'daily' | 'monthly' | 'start' | 'asked';

/** Does all that is due: snapshots, drafts, closes. Carries no period, because a bell may be late, lost or rung twice. */
export interface Due {
  readonly bell: Bell;
}

/** Takes the snapshot of a day that has ended, again if need be. */
export interface Snapshot {
  /** `YYYY-MM-DD` */
  readonly date: string;
}

/** Closes a month for every organization that is ready for it, or goes on with it. */
export interface CloseMonth {
  /** `YYYY-MM` */
  readonly month: string;
  /** Rises when a job goes on where another had to stop. */
  readonly part: number;
}

/** Counts back what came before a meter was created. */
export interface CountBack {
  readonly meter: string;
  readonly part: number;
}

/** Measures one declared target, or goes on with its measurement that is under way. A job of its own: a slow one delays nobody. */
export interface Measure {
  readonly kind: TargetKind;
  readonly target: string;
  readonly purpose: Purpose;
  /** What the one who asks wants besides; see the kind's own measuring. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Rises when a job goes on where another had to stop. */
  readonly part: number;
}

/** Has all measured that was not in this hour. Carries no hour, as no bell does. */
export interface MeasureDue {
  readonly bell: 'measure';
}

/** Goes on with a run of a post-hoc metric, from whatever state it is in. */
export interface PosthocRunJob {
  /** Of posthoc_runs. */
  readonly runId: string;
}

/** Answers one window of a post-hoc metric for somebody who wants to see it, and ships nothing. */
export interface PosthocTestJob {
  /** Of posthoc_tests. */
  readonly testId: string;
}

/** Reads a pulled log from its checkpoint on. */
export interface PullJob {
  /** Its declared name. */
  readonly log: string;
  /** By somebody, and not by the bell: a log that is paused is read then, too. */
  readonly asked?: true;
}

/** Maps a bucket's objects again after what its keys mean was changed. */
export interface MapObjects {
  readonly bucketId: number;
  /** Of the bucket; once it has risen, the job has nothing to do any more. */
  readonly mappingVersion: number;
  /** Rises when a job goes on where another had to stop. */
  readonly part: number;
  /** The last object that is mapped; null at the beginning. */
  readonly after: { readonly key: string; readonly version: string } | null;
}

/** Partitions, compaction, retention. Carries nothing. */
export type Maintain = Readonly<Record<string, never>>;

/**
 * Every job there is: queue → job name → payload. Producer and consumer types derive from it. Jobs of one source share
 * a queue, because a job id is unique within its queue only, and a seal must collide with the flush it replaces.
 */
export interface JobCatalogue {
  readonly events: { readonly 'event-batch': EventBatch; readonly event: DeadEvent };
  readonly counts: {
    readonly 'count-batch': CountBatch;
    readonly 'message-batch': MessageBatch;
    readonly seal: Seal;
  };
  readonly objects: {
    readonly 'object-batch': ObjectBatch;
    readonly 'refused-notification': RefusedNotification;
    readonly 'map-objects': MapObjects;
  };
  readonly registry: { readonly 'attribute-usage': AttributeUsage };
  readonly periods: {
    readonly due: Due;
    readonly snapshot: Snapshot;
    readonly 'close-month': CloseMonth;
    readonly 'count-back': CountBack;
    readonly maintain: Maintain;
    readonly 'measure-due': MeasureDue;
  };
  readonly measure: { readonly target: Measure };
  readonly posthoc: {
    readonly run: PosthocRunJob;
    readonly test: PosthocTestJob;
    readonly pull: PullJob;
  };
}

export type QueueName = keyof JobCatalogue;

/** The queues in the order in which they are listed everywhere. */
export const QUEUE_NAMES: readonly QueueName[] = [
  'events',
  'counts',
  'objects',
  'registry',
  'periods',
  'measure',
  'posthoc',
];

/** Redis keys start with this; the braces keep all keys of Odometer in one slot of a Redis Cluster. */
export const QUEUE_PREFIX = '{odometer}';

/** Deadlines of a job's processing. */
export const JOB_DEADLINE_MS: Readonly<Record<QueueName, number>> = {
  // Counting is a short transaction; what takes 30 s is stuck, and another attempt costs nothing.
  events: 30_000,
  counts: 30_000,
  objects: 30_000,
  registry: 300_000,
  // Of a part of a close; all that takes longer stops before and goes on in another job.
  periods: 600_000,
  // Of a part: what takes longer stops before and goes on in another job.
  measure: 300_000,
  // Of a part, too; a query is stopped before.
  posthoc: 300_000,
};
