import { type Backoff, backoffMs } from '@odometer/domain/backoff';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import { settledWithin } from '@odometer/domain/settled-within';
import {
  type Job as BullJob,
  DelayedError,
  UnrecoverableError,
  WaitingError,
  Worker,
} from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_DEADLINE_MS, type JobCatalogue, QUEUE_PREFIX, type QueueName } from './catalogue.ts';
import { ComeAgain } from './come-again.ts';
import { isInfrastructureError } from './infrastructure-error.ts';
import { RETRY_BACKOFF } from './job-options.ts';
import { pause } from './pause.ts';

/** Together less than 15 s until a killed worker's job runs again, with a second to spare; the defaults take a minute. */
const LOCK_DURATION_MS = 10_000;
const STALLED_INTERVAL_MS = 4_000;

/** A job whose worker was killed has done nothing wrong; the default of 1 makes the second kill a dead letter. */
const MAX_STALLED_COUNT = 1_000;

/** While Postgres is away each job of a worker asks again this often; soon enough that nobody notices a restart. */
const INFRASTRUCTURE_BACKOFF: Backoff = { firstMs: 100, capMs: 5_000 };

/** What is unfinished then is taken up by another worker. Leaves half of Kubernetes' 30 s to the stages after. */
const STOP_DEADLINE_MS = 10_000;

/** Between log lines that say the same, as they do all through an outage. */
const REPEATED_ERROR_MS = 30_000;

/** A job of queue `Q`, as a processor gets it. */
export type Job<Q extends QueueName> = {
  readonly [Name in keyof JobCatalogue[Q]]: {
    readonly name: Name;
    readonly jobId: string;
    readonly payload: JobCatalogue[Q][Name];
  };
}[keyof JobCatalogue[Q]];

/**
 * Does a job. May be called twice for one job, also at the same time: what it does must be safe to repeat.
 *
 * - It throws an infrastructure error: called again, in place, until it is stopped; no attempt is used up.
 * - It throws ComeAgain: called again after that while, by whichever worker; no attempt is used up.
 * - An OdometerError that says not to retry: the job fails at once.
 * - Anything else, or the deadline passes: another attempt after a while, and at last the job fails.
 *
 * @param signal is aborted when the deadline has passed or the worker cannot wait any longer: nobody waits for the
 *   outcome then.
 */
export type Processor<Q extends QueueName> = (job: Job<Q>, signal: AbortSignal) => Promise<void>;

/** What a worker did so far, plain integers for `collect()`. */
export interface JobWorkerCounts {
  /** Jobs finished. */
  processed: number;
  /** Jobs that failed for good. */
  failed: number;
  /** Attempts that failed and will be followed by another. */
  retried: number;
  /** Jobs of dead workers that this one found and put back. */
  stalled: number;
  /** Times a job waited because something it depends on was away. */
  infrastructureErrors: number;
}

/** As pino has it. */
interface WorkerLog {
  warn(fields: object): void;
  error(fields: object): void;
}

/**
 * Works on the jobs of one queue, `concurrency` of them at a time. It survives outages and restarts of Redis.
 *
 *   idle ──start()──▶ running ──stop()──▶ stopping ──▶ stopped (for good)
 *    └──────────────────stop()───────────────────────────┘
 *
 * Stopping: no more jobs are taken; those waiting for infrastructure are put back at once, the others are awaited up to
 * the deadline, then aborted and left to the next worker.
 */
export class JobWorker<Q extends QueueName> {
  readonly name: string;
  readonly counts: Readonly<JobWorkerCounts>;
  readonly #counts: JobWorkerCounts = {
    processed: 0,
    failed: 0,
    retried: 0,
    stalled: 0,
    infrastructureErrors: 0,
  };
  readonly #queue: Q;
  readonly #redis: Redis;
  readonly #process: Processor<Q>;
  readonly #concurrency: number;
  readonly #log: WorkerLog;
  readonly #deadlineMs: number;
  readonly #stopDeadlineMs: number;
  readonly #stopping = new AbortController();
  readonly #running = new Set<AbortController>();
  /** Calls that have not returned, those included whose outcome nobody waits for any more. */
  readonly #calls = new Set<Promise<void>>();
  #active = 0;
  /** Jobs put off because they asked for it. */
  #putOff = 0;
  #worker: Worker<unknown, void> | undefined;
  #stopped: Promise<void> | undefined;
  #lastError = { message: '', atMs: Number.NEGATIVE_INFINITY };

  /**
   * @param options.redis of createWorkerRedis; several workers may share it. It stays open after `stop`.
   * @param options.deadlineMs of one call of `process`. @default the catalogue's
   */
  constructor(options: {
    readonly queue: Q;
    readonly redis: Redis;
    readonly process: Processor<Q>;
    readonly concurrency: number;
    readonly log: WorkerLog;
    readonly deadlineMs?: number;
    readonly stopDeadlineMs?: number;
  }) {
    this.name = `${options.queue}-worker`;
    this.counts = this.#counts;
    this.#queue = options.queue;
    this.#redis = options.redis;
    this.#process = options.process;
    this.#concurrency = options.concurrency;
    this.#log = options.log;
    this.#deadlineMs = options.deadlineMs ?? JOB_DEADLINE_MS[options.queue];
    this.#stopDeadlineMs = options.stopDeadlineMs ?? STOP_DEADLINE_MS;
  }

  /** Jobs in the hands of this process, those waiting for infrastructure included. For the watchdog. */
  get active(): number {
    return this.#active;
  }

  /** Rises with every job or attempt that came to an end. For the watchdog. */
  progress(): number {
    return this.#counts.processed + this.#counts.failed + this.#counts.retried + this.#putOff;
  }

  /** Does not wait for Redis: it may be away. */
  async start(): Promise<void> {
    if (this.#worker !== undefined || this.#stopped !== undefined) return;
    const worker = new Worker<unknown, void>(this.#queue, (job, token) => this.#run(job, token), {
      connection: this.#redis,
      prefix: QUEUE_PREFIX,
      autorun: false,
      concurrency: this.#concurrency,
      lockDuration: LOCK_DURATION_MS,
      stalledInterval: STALLED_INTERVAL_MS,
      maxStalledCount: MAX_STALLED_COUNT,
      settings: { backoffStrategy: (attemptsMade) => backoffMs(RETRY_BACKOFF, attemptsMade) },
    });
    this.#worker = worker;
    worker.on('completed', () => {
      this.#counts.processed += 1;
    });
    worker.on('failed', (job, error) => this.#onFailed(job, error));
    worker.on('stalled', () => {
      this.#counts.stalled += 1;
    });
    worker.on('error', (error) => this.#onError(error));
    worker.run().catch((error: unknown) => this.#onError(error));
  }

  async stop(): Promise<void> {
    this.#stopped ??= this.#close();
    await this.#stopped;
  }

  async #run(job: BullJob<unknown, void>, token: string | undefined): Promise<void> {
    this.#active += 1;
    try {
      for (let failures = 1; ; failures += 1) {
        // BullMQ may take one more job although it is closing, when Redis was away meanwhile.
        if (this.#stopping.signal.aborted) {
          await job.moveToWait(token);
          throw new WaitingError();
        }
        try {
          return await this.#attempt(job);
        } catch (error) {
          if (error instanceof ComeAgain) {
            await job.moveToDelayed(Date.now() + error.afterMs, token);
            this.#putOff += 1;
            throw new DelayedError();
          }
          if (isOdometerError(error) && !error.retry) throw new UnrecoverableError(error.message);
          if (!isInfrastructureError(error)) throw error;
          this.#counts.infrastructureErrors += 1;
          this.#onError(error);
          // In place: a trip through Redis for each of thousands of waiting jobs would help nobody.
          await pause(backoffMs(INFRASTRUCTURE_BACKOFF, failures), this.#stopping.signal);
        }
      }
    } finally {
      this.#active -= 1;
    }
  }

  /** One call of the processor within its deadline. */
  async #attempt(job: BullJob<unknown, void>): Promise<void> {
    const jobId = job.id ?? '';
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    const deadline = setTimeout(() => {
      const params = { jobId, queue: this.#queue, deadlineMs: this.#deadlineMs };
      controller.abort(new OdometerError('job_deadline_exceeded', params));
    }, this.#deadlineMs);
    this.#running.add(controller);
    try {
      // The types are the catalogue's: only JobQueue.add puts jobs there.
      const typed = { name: job.name, jobId, payload: job.data } as Job<Q>;
      const call = this.#process(typed, signal);
      this.#calls.add(call);
      const forget = () => this.#calls.delete(call);
      call.then(forget, forget);
      await Promise.race([call, aborted]);
    } finally {
      clearTimeout(deadline);
      this.#running.delete(controller);
    }
  }

  #onFailed(job: BullJob<unknown, void> | undefined, error: Error): void {
    const fields = { queue: this.#queue, jobId: job?.id, attempts: job?.attemptsMade, error };
    if (job?.finishedOn === undefined) {
      this.#counts.retried += 1;
      this.#log.warn({ event: 'job_retried', ...fields });
    } else {
      this.#counts.failed += 1;
      this.#log.error({ event: 'job_failed', ...fields });
    }
  }

  #onError(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    const nowMs = performance.now();
    const { message: lastMessage, atMs } = this.#lastError;
    if (message === lastMessage && nowMs - atMs < REPEATED_ERROR_MS) return;
    this.#lastError = { message, atMs: nowMs };
    this.#log.warn({ event: 'worker_error', queue: this.#queue, error });
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    const worker = this.#worker;
    if (worker === undefined) return;
    const closed = worker.close().catch((error: unknown) => this.#onError(error));
    if (!(await settledWithin(closed, this.#stopDeadlineMs))) {
      for (const controller of this.#running) {
        const params = { component: this.name, deadlineMs: this.#stopDeadlineMs };
        controller.abort(new OdometerError('shutdown_deadline_exceeded', params));
      }
    }
    // Time to remove what is of no use any more, such as the files of a query.
    await settledWithin(Promise.allSettled([...this.#calls]), 1_000);
    // Time for Redis to take the jobs back; when it is away they return by their locks' end.
    if (await settledWithin(closed, 1_000)) return;
    this.#log.warn({ event: 'jobs_abandoned', queue: this.#queue, active: this.#active });
    endBlockingConnection(worker).catch(() => {});
  }
}

/**
 * Lets a `close()` that hangs come to its end. It waits for the `end` of BullMQ's blocking connection, which ioredis does
 * not emit when it is disconnected between two attempts to reconnect: only another attempt ends it.
 */
async function endBlockingConnection(worker: Worker<unknown, void>): Promise<void> {
  const client = await worker.getBackend().blockingClient;
  await client?.connect().catch(() => {});
  client?.disconnect();
}
