import { setTimeout as sleep } from 'node:timers/promises';
import { type Message, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { type Backoff, backoffMs } from '@odometer/domain/backoff';
import { isOdometerError, OdometerError } from '@odometer/domain/errors';
import { settledWithin } from '@odometer/domain/settled-within';
import { awsFailure } from './aws-error.ts';
import { FewWarnings, type WarningLog } from './few-warnings.ts';
import { SqsDeleter } from './sqs-deleter.ts';
import { SqsVisibility } from './sqs-visibility.ts';

export interface SqsMessage {
  readonly messageId: string;
  readonly body: string;
  /** How often the queue has handed it out, this time included; approximate, as AWS says. */
  readonly receiveCount: number;
  /** When it was put into the queue, in ms since 1970; what is missing is 0. */
  readonly sentAtMs: number;
}

/** Why an attempt to receive failed: the code of the error without `target_`, or `other` for a bug. */
export type ReceiveErrorKind = 'throttled' | 'denied' | 'unavailable' | 'invalid' | 'other';

/** Since the process started. */
export interface SqsConsumerCounts {
  received: number;
  deleted: number;
  /** Messages whose handling failed, and which are left to come again. */
  failed: number;
  /** Messages that could not be deleted though they are handled: they come again. */
  deleteFailures: number;
  /** Times that a message under way could not be kept from being handed out again. */
  extendFailures: number;
  readonly receiveErrors: Record<ReceiveErrorKind, number>;
}

export interface SqsConsumerOptions {
  /** From AwsClients: its timeouts suit a long poll. */
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** Long polls at once. One brings at most 10 messages a round trip, some hundreds a second. */
  readonly receivers: number;
  /**
   * Makes a message durable; it is deleted when this resolves, and comes again when this rejects or when the process dies
   * between: it must be safe to repeat. Called for many messages at once, bounded by `maxInFlight`.
   */
  readonly handle: (message: SqsMessage) => Promise<void>;
  /** Called when the queue has confirmed that a message is gone. A standard queue may still hand it out again, rarely. */
  readonly onDeleted?: (message: SqsMessage) => void;
  readonly log: WarningLog;
  /** In logs. @default `sqs-consumer` */
  readonly name?: string;
  /**
   * How long a message stays hidden after we were last heard of: what a crash delays it by. Extended while it is handled.
   * @default 60
   */
  readonly visibilitySeconds?: number;
  /** Messages under way at once. @default 1,000: a batch for whoever groups them */
  readonly maxInFlight?: number;
  /** How long a stop waits for what is being handled. @default 10,000 */
  readonly stopDeadlineMs?: number;
  /** The SDK's retries included, the last resort against one that hangs in a place without timeout. @default 120,000 */
  readonly receiveDeadlineMs?: number;
}

/** The most that SQS hands out, and the longest that it waits for it. */
const RECEIVE_MAX = 10;
const POLL_SECONDS = 20;

/** A message may have 1 MiB: this many bytes of bodies under way, and no more are asked for. */
const IN_FLIGHT_MAX_BYTES = 32 * 1024 * 1024;

/** A long poll takes its time; what says at once that there is nothing is no queue, or a proxy, and is not asked without end. */
const EMPTY_MIN_MS = 1_000;

/** After a receive that failed. */
const RECEIVE_BACKOFF: Backoff = { firstMs: 500, capMs: 30_000 };
/** Too many messages are out already (OverLimit, 120,000): only time, or other consumers, can help. */
const OVER_LIMIT_BACKOFF: Backoff = { firstMs: 5_000, capMs: 30_000 };

/**
 * Takes messages of one queue until it is stopped: each handled on its own, and deleted when that is done. One that cannot
 * be handled is left to the queue, which hands it out again and in the end moves it to its dead letter queue; it keeps none
 * of the others.
 *
 *   idle ──start()──▶ receiving ──stop()──▶ stopping ──▶ stopped (for good)
 *    └──────────────────stop()────────────────────────────┘
 *
 * Stopping: polls are aborted, what is being handled is awaited up to the deadline, what is handled is deleted.
 */
export class SqsConsumer {
  readonly name: string;
  readonly counts: SqsConsumerCounts = {
    received: 0,
    deleted: 0,
    failed: 0,
    deleteFailures: 0,
    extendFailures: 0,
    receiveErrors: { throttled: 0, denied: 0, unavailable: 0, invalid: 0, other: 0 },
  };
  readonly #options: SqsConsumerOptions;
  readonly #warnings: FewWarnings;
  readonly #deleter: SqsDeleter;
  readonly #visibility: SqsVisibility;
  readonly #polls = new Set<AbortController>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #roomWanted: Array<() => void> = [];
  #inFlightBytes = 0;
  /** Asked for and not yet here: room that another receiver must not take. */
  #expected = 0;
  #state: 'idle' | 'receiving' | 'stopping' = 'idle';
  #receivers: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #lastReceiveAt: number | undefined;

  constructor(options: SqsConsumerOptions) {
    this.#options = options;
    this.name = options.name ?? 'sqs-consumer';
    this.#warnings = new FewWarnings(options.log);
    const queue = { client: options.client, queueUrl: options.queueUrl };
    this.#deleter = new SqsDeleter({
      ...queue,
      failed: (error) => this.#callFailed('sqs_delete_failed', error),
    });
    this.#visibility = new SqsVisibility({
      ...queue,
      seconds: this.#visibilitySeconds,
      failed: (error, messages) => {
        this.counts.extendFailures += messages;
        this.#callFailed('sqs_extend_failed', error);
      },
    });
  }

  /** When the queue last answered a poll, with messages or with none, in ms since 1970; undefined before the first. */
  get lastReceiveAt(): number | undefined {
    return this.#lastReceiveAt;
  }

  /** Messages being handled or deleted. */
  get inFlight(): number {
    return this.#underWay.size;
  }

  async start(): Promise<void> {
    if (this.#state !== 'idle') return;
    this.#state = 'receiving';
    this.#visibility.start();
    const receivers = Array.from({ length: this.#options.receivers }, () => this.#receive());
    this.#receivers = Promise.all(receivers);
  }

  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping';
    this.#stopping.abort();
    for (const poll of this.#polls) poll.abort();
    this.#roomMade();
    await this.#receivers;
    const deadline = this.#options.stopDeadlineMs ?? 10_000;
    await settledWithin(Promise.all(this.#underWay), deadline);
    this.#visibility.stop();
    this.#deleter.stop();
  }

  async #receive(): Promise<void> {
    let failures = 0;
    while (this.#state === 'receiving') {
      if (!this.#hasRoom()) {
        await new Promise<void>((resolve) => this.#roomWanted.push(resolve));
        continue;
      }
      this.#expected += RECEIVE_MAX;
      try {
        const askedAt = performance.now();
        const messages = await this.#poll();
        this.#lastReceiveAt = Date.now();
        failures = 0;
        for (const message of messages) this.#take(message);
        if (messages.length === 0) await this.#sleep(EMPTY_MIN_MS - (performance.now() - askedAt));
      } catch (error) {
        if (this.#state === 'receiving') await this.#backOff(error, ++failures);
      } finally {
        this.#expected -= RECEIVE_MAX;
      }
    }
  }

  /** Settles when aborted, also where the SDK does not: credentials that hang know no signal. */
  async #poll(): Promise<readonly Message[]> {
    const abort = new AbortController();
    this.#polls.add(abort);
    const deadlineMs = this.#options.receiveDeadlineMs ?? 120_000;
    const late = { target: this.#target, reason: `no answer within ${deadlineMs} ms` };
    const timer = setTimeout(
      () => abort.abort(new OdometerError('target_unavailable', late)),
      deadlineMs,
    );
    const aborted = new Promise<never>((_, reject) => {
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason), { once: true });
    });
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#options.queueUrl,
      MaxNumberOfMessages: RECEIVE_MAX,
      WaitTimeSeconds: POLL_SECONDS,
      VisibilityTimeout: this.#visibilitySeconds,
      MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
    });
    try {
      const answer = this.#options.client.send(command, { abortSignal: abort.signal });
      const { Messages } = await Promise.race([answer, aborted]);
      return Messages ?? [];
    } finally {
      clearTimeout(timer);
      this.#polls.delete(abort);
    }
  }

  get #visibilitySeconds(): number {
    return this.#options.visibilitySeconds ?? 60;
  }

  #hasRoom(): boolean {
    const limit = Math.max(this.#options.maxInFlight ?? 1_000, RECEIVE_MAX);
    const room = limit - this.#underWay.size - this.#expected;
    return room >= RECEIVE_MAX && this.#inFlightBytes < IN_FLIGHT_MAX_BYTES;
  }

  #take(received: Message): void {
    const { MessageId: messageId, ReceiptHandle: receipt, Body: body = '', Attributes } = received;
    if (messageId === undefined || receipt === undefined) return;
    this.counts.received++;
    const message: SqsMessage = {
      messageId,
      body,
      receiveCount: Number(Attributes?.ApproximateReceiveCount ?? 1),
      sentAtMs: Number(Attributes?.SentTimestamp ?? 0),
    };
    this.#inFlightBytes += body.length;
    const done = this.#process(message, receipt).finally(() => {
      this.#underWay.delete(done);
      this.#inFlightBytes -= body.length;
      this.#roomMade();
    });
    this.#underWay.add(done);
  }

  /** Never rejects. */
  async #process(message: SqsMessage, receipt: string): Promise<void> {
    this.#visibility.keep(receipt);
    try {
      await this.#options.handle(message);
      if (await this.#deleter.delete(receipt)) {
        this.counts.deleted++;
        this.#options.onDeleted?.(message);
      } else {
        this.counts.deleteFailures++;
      }
    } catch (error) {
      this.counts.failed++;
      const { messageId, receiveCount } = message;
      this.#warn('sqs_message_failed', { messageId, receiveCount, error });
    } finally {
      this.#visibility.release(receipt);
    }
  }

  async #backOff(cause: unknown, failures: number): Promise<void> {
    const error = awsFailure(this.#target, cause);
    const kind = kindOf(error);
    this.counts.receiveErrors[kind]++;
    this.#warn('sqs_receive_failed', { kind, error });
    const overLimit = cause instanceof Error && cause.name === 'OverLimit';
    await this.#sleep(backoffMs(overLimit ? OVER_LIMIT_BACKOFF : RECEIVE_BACKOFF, failures));
  }

  /** Until stopped at the latest. */
  async #sleep(ms: number): Promise<void> {
    if (ms <= 0) return;
    const { signal } = this.#stopping;
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }

  #callFailed(event: string, cause: unknown): void {
    this.#warn(event, { error: awsFailure(this.#target, cause) });
  }

  #warn(event: string, fields: object): void {
    this.#warnings.warn(event, {
      consumer: this.name,
      queueUrl: this.#options.queueUrl,
      ...fields,
    });
  }

  get #target(): string {
    return `queue ${this.#options.queueUrl.split('/').at(-1)}`;
  }

  #roomMade(): void {
    for (const resolve of this.#roomWanted.splice(0)) resolve();
  }
}

function kindOf(error: unknown): ReceiveErrorKind {
  if (isOdometerError(error, 'target_throttled')) return 'throttled';
  if (isOdometerError(error, 'target_denied')) return 'denied';
  if (isOdometerError(error, 'target_unavailable')) return 'unavailable';
  if (isOdometerError(error, 'target_invalid')) return 'invalid';
  return 'other';
}
