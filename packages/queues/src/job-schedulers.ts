import { isDeepStrictEqual } from 'node:util';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import { type JobSchedulerJson, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { type JobCatalogue, QUEUE_PREFIX, type QueueName } from './catalogue.ts';
import { JOB_OPTIONS } from './job-options.ts';

/**
 * A bell that nobody answers is not worth a dead letter: the next one does the same work. So it leaves Redis when it has
 * failed for good, after the attempts of any job.
 */
const BELL_OPTIONS = { ...JOB_OPTIONS, removeOnFail: true } as const;

/** When, always in UTC: at the times of a cron pattern, or every so many milliseconds. */
export type Recurrence =
  | { readonly pattern: string; readonly everyMs?: undefined }
  | { readonly everyMs: number; readonly pattern?: undefined };

/** A job of queue `Q` that recurs. */
export type Schedule<Q extends QueueName> = {
  readonly [Name in keyof JobCatalogue[Q] & string]: {
    /** Of the schedule; its jobs are named after it. */
    readonly id: string;
    readonly recurrence: Recurrence;
    /** The longest time between two of its jobs, milliseconds. */
    readonly longestMs: number;
    readonly jobName: Name;
    readonly payload: JobCatalogue[Q][Name];
  };
}[keyof JobCatalogue[Q] & string];

/** What `keep` had to do. */
export interface KeptSchedules {
  /** Ids of those that were missing, or other than they should be. */
  readonly put: readonly string[];
  /** Ids of those that nobody knows (any more). */
  readonly removed: readonly string[];
}

/**
 * The recurring jobs of one queue, kept by BullMQ's job schedulers: each has exactly one job ahead, and the next one is made
 * when that one begins. So runs that were missed come as one, late, and nothing may depend on how many there were.
 *
 *   open ──stop()──▶ closed (the connection stays open: it belongs to whoever made it)
 */
export class JobSchedulers<Q extends QueueName> {
  readonly name: string;
  readonly #queueName: Q;
  readonly #redis: Redis;
  readonly #queue: Queue<unknown, void, string, unknown, void, string>;

  /** @param redis of createProducerRedis. */
  constructor(queue: Q, redis: Redis) {
    this.name = `${queue}-schedulers`;
    this.#queueName = queue;
    this.#redis = redis;
    this.#queue = new Queue(queue, {
      connection: redis,
      prefix: QUEUE_PREFIX,
      // As in JobQueue: a question asked at construction would fail for ever.
      skipWaitingForReady: true,
      skipVersionCheck: true,
      skipMetasUpdate: true,
    });
    this.#queue.on('error', () => {}); // Each caller gets its own error.
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    await this.#queue.close();
  }

  /**
   * Makes the queue's schedules these and no others. One that is as it should be is not touched: to put it again would
   * lose its job that is due. Safe to repeat, and by several at once.
   *
   * @throws OdometerError `queue_unavailable`: some may have been put; repeat it.
   */
  async keep(schedules: readonly Schedule<Q>[]): Promise<KeptSchedules> {
    try {
      const found = new Map(
        (await this.#queue.getJobSchedulers()).map((scheduler) => [scheduler.key, scheduler]),
      );
      const put: string[] = [];
      for (const schedule of schedules) {
        const scheduler = found.get(schedule.id);
        found.delete(schedule.id);
        if (isAsItShouldBe(scheduler, schedule) && (await this.#hasJobAhead(scheduler))) continue;
        // Else BullMQ keeps the time of the job that is there.
        if (isTooFarAhead(scheduler, schedule)) await this.#queue.removeJobScheduler(schedule.id);
        await this.#put(schedule);
        put.push(schedule.id);
      }
      const removed = [...found.keys()];
      for (const id of removed) await this.#queue.removeJobScheduler(id);
      return { put, removed };
    } catch (error) {
      if (isOdometerError(error) || error instanceof TypeError || error instanceof RangeError) {
        throw error;
      }
      const reason = error instanceof Error ? error.message : String(error);
      throw new OdometerError(
        'queue_unavailable',
        { queue: this.#queueName, reason },
        { cause: error },
      );
    }
  }

  async #put({ id, recurrence, jobName, payload }: Schedule<Q>): Promise<void> {
    const { pattern, everyMs } = recurrence;
    // No startDate, ever: it would delay what is overdue at each start of a scheduler.
    await this.#queue.upsertJobScheduler(
      id,
      pattern === undefined ? { every: everyMs, tz: 'UTC' } : { pattern, tz: 'UTC' },
      { name: jobName, data: payload, opts: BELL_OPTIONS },
    );
  }

  /** False when somebody removed the job by hand, or a worker could not make the next one: then none would ever follow. */
  async #hasJobAhead({ key, next }: JobSchedulerJson): Promise<boolean> {
    if (next === undefined) return false;
    const exists = async (): Promise<boolean> =>
      (await this.#redis.exists(this.#queue.toKey(`repeat:${key}:${next}`))) === 1;
    if (await exists()) return true;
    // It may have been done since we read when it is due; then there is a next one.
    const now = await this.#queue.getJobScheduler(key);
    return now !== undefined && now.next !== next;
  }
}

function isAsItShouldBe<Q extends QueueName>(
  scheduler: JobSchedulerJson | undefined,
  schedule: Schedule<Q>,
): scheduler is JobSchedulerJson {
  if (scheduler === undefined || isTooFarAhead(scheduler, schedule)) return false;
  const { recurrence, jobName, payload } = schedule;
  const { name, pattern, every, tz, template } = scheduler;
  return isDeepStrictEqual(
    { name, pattern, every: every === undefined ? undefined : Number(every), tz, ...template },
    {
      name: jobName,
      pattern: recurrence.pattern,
      every: recurrence.everyMs,
      tz: 'UTC',
      data: payload,
      opts: BELL_OPTIONS,
    },
  );
}

/** The clock was ahead when the job was made, and has been set back: nothing would ring until it is there again. */
function isTooFarAhead<Q extends QueueName>(
  scheduler: JobSchedulerJson | undefined,
  { longestMs }: Schedule<Q>,
): boolean {
  return (scheduler?.next ?? 0) > Date.now() + longestMs;
}
