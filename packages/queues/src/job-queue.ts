import { OdometerError } from '@odometer/domain/errors';
import { ErrorCode, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { acceptedItems } from './accepted-items.ts';
import { type JobCatalogue, QUEUE_PREFIX, type QueueName } from './catalogue.ts';
import { assertJobId } from './job-id.ts';
import { EVENT_STREAM_LENGTH, JOB_OPTIONS } from './job-options.ts';
import { RedisHeadroom } from './redis-headroom.ts';

/** Jobs by what becomes of them. `delayed` wait for their next attempt, `failed` for the sweep. */
export interface QueueDepth {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
}

export type JobState = keyof QueueDepth;

/** BullMQ refuses more. */
const LAST_TURN = 2_097_151;

/** BullMQ's scores of jobs that are put off are milliseconds, times this. */
const DELAYED_SCORE = 4_096;
/** At once; the next bell goes on. */
const MAX_HASTENED = 1_000;

/** It came by itself, or by somebody else. */
function unlessMoved(error: unknown): void {
  const { code } = error as { readonly code?: unknown };
  if (code !== ErrorCode.JobNotInState && code !== ErrorCode.JobNotExist) throw error;
}

/** A job by its name, as it lies in Redis. */
export type StoredJob<Q extends QueueName> = {
  readonly [Name in keyof JobCatalogue[Q]]: {
    readonly name: Name;
    readonly data: JobCatalogue[Q][Name];
  };
}[keyof JobCatalogue[Q]];

/**
 * One queue, seen by those who add to it and those who look into it. May be made while Redis is away.
 *
 *   open ──stop()──▶ closed (the connection stays open: it belongs to whoever made it)
 *
 * @throws OdometerError every asynchronous method: `queue_unavailable` when Redis did not answer as it should.
 */
export class JobQueue<Q extends QueueName> {
  readonly name: Q;
  readonly #redis: Redis;
  readonly #queue: Queue<unknown, void, string, unknown, void, string>;
  readonly #headroom: RedisHeadroom;
  readonly #onReady = () => this.#limitEventStream();

  /** @param redis of createProducerRedis; several queues may share it. */
  constructor(name: Q, redis: Redis) {
    this.name = name;
    this.#redis = redis;
    this.#headroom = new RedisHeadroom(redis);
    this.#queue = new Queue(name, {
      connection: redis,
      prefix: QUEUE_PREFIX,
      defaultJobOptions: JOB_OPTIONS,
      // These three make BullMQ ask nothing when it is constructed: a question that failed would leave a queue that
      // rejects for ever, and one that waited would make every add hang.
      skipWaitingForReady: true,
      skipVersionCheck: true,
      skipMetasUpdate: true,
    });
    this.#queue.on('error', () => {}); // Each caller gets its own error.
    redis.on('ready', this.#onReady);
    if (redis.status === 'ready') this.#onReady();
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#redis.off('ready', this.#onReady);
    await this.#queue.close();
  }

  /**
   * One attempt to make a job durable. Resolves when Redis has answered: with AOF `always` the job is on its disk then.
   * A job whose id is still in Redis is not added again, which resolves too.
   *
   * @param turn from 1 on: jobs with one wait until none without one does, and those with a lower one go first. For queues whose
   *   jobs carry no usage: the books look for those without a turn only.
   * @throws OdometerError `queue_unavailable`: Redis did not take it, or took it and the answer was lost. Add the same
   *   content under the same id again (enqueueUntilDurable), or tell the client to.
   * @throws TypeError the id or payload can never be stored: a bug.
   */
  async add<Name extends keyof JobCatalogue[Q] & string>(
    jobName: Name,
    payload: JobCatalogue[Q][Name],
    jobId: string,
    turn?: number,
  ): Promise<'durable'> {
    assertJobId(jobId);
    if (this.#headroom.isFull()) throw this.#unavailable('Redis is nearly full');
    // BullMQ keeps options it does not know; findJobs reads this one, and so need not fetch whole payloads.
    const options = {
      jobId,
      items: acceptedItems(payload),
      ...(turn === undefined ? {} : { priority: Math.min(turn, LAST_TURN) }),
    };
    await this.#ask(() => this.#queue.add(jobName, payload, options));
    return 'durable';
  }

  /**
   * Has jobs come now that are put off until after `latestMs`: whoever did so had a clock that was ahead. Whoever would ask for one
   * of them again finds it in Redis, and waits for as long.
   *
   * @returns how many.
   */
  async hasten(latestMs: number): Promise<number> {
    const delayed = this.#queue.toKey('delayed');
    // https://github.com/taskforcesh/bullmq/blob/master/src/commands/includes/getDelayedScore.lua
    const score = latestMs * DELAYED_SCORE + DELAYED_SCORE;
    const ids = await this.#ask(() =>
      this.#redis.zrange(delayed, score, '+inf', 'BYSCORE', 'LIMIT', 0, MAX_HASTENED),
    );
    const promote = async (id: string) => (await this.#queue.getJob(id))?.promote();
    for (const id of ids) {
      await this.#ask(() => promote(id).catch(unlessMoved));
    }
    return ids.length;
  }

  /** The job as it was added first under this id; undefined when Redis has none (never added, finished, or lost). */
  async get(jobId: string): Promise<StoredJob<Q> | undefined> {
    assertJobId(jobId);
    const key = this.#queue.toKey(jobId);
    const [name, data] = await this.#ask(() => this.#redis.hmget(key, 'name', 'data'));
    if (name == null || data == null) return undefined;
    return { name, data: JSON.parse(data) } as StoredJob<Q>;
  }

  async depth(): Promise<QueueDepth> {
    const counts = await this.#ask(() =>
      this.#queue.getJobCounts('wait', 'prioritized', 'active', 'delayed', 'failed'),
    );
    const { wait = 0, prioritized = 0, active = 0, delayed = 0, failed = 0 } = counts;
    return { waiting: wait + prioritized, active, delayed, failed };
  }

  /** The key of one of the queue's structures or jobs in Redis. */
  key(part: string): string {
    return this.#queue.toKey(part);
  }

  /** Runs `command` on the queue's connection, and says in our words when Redis did not do it. */
  async run<T>(command: (redis: Redis) => Promise<T>): Promise<T> {
    return this.#ask(() => command(this.#redis));
  }

  async #ask<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      // Redis has many ways to say no (OOM, LOADING, MISCONF, READONLY, …) and ioredis some more to say nothing. All
      // mean: not now. What is wrong with the call itself is a TypeError or RangeError.
      if (error instanceof TypeError || error instanceof RangeError) throw error;
      throw this.#unavailable(error instanceof Error ? error.message : String(error), error);
    }
  }

  #unavailable(reason: string, cause?: unknown): OdometerError<'queue_unavailable'> {
    return new OdometerError('queue_unavailable', { queue: this.name, reason }, { cause });
  }

  /** On every connection, because a Redis that lost its data lost this too. */
  #limitEventStream(): void {
    this.#redis
      .hset(this.#queue.toKey('meta'), 'opts.maxLenEvents', EVENT_STREAM_LENGTH)
      .catch(() => {}); // The next connection does it; until then the stream is longer.
  }
}
