import { ChangeMessageVisibilityBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';

const BATCH_MAX = 10;
/** A poll must always find a free socket among the client's 50. */
const CALLS_MAX = 4;

/**
 * Keeps messages hidden while they are being handled, however long that takes, up to the 12 hours that SQS allows. Without
 * it a slow moment (the queue of jobs away for a minute) would have every message handled twice, and counted towards its
 * dead letter queue.
 *
 *   idle ──start()──▶ extending ──stop()──▶ stopped
 */
export class SqsVisibility {
  readonly #client: SQSClient;
  readonly #queueUrl: string;
  readonly #seconds: number;
  readonly #failed: (error: unknown, messages: number) => void;
  /** Receipt → when it was last hidden for `#seconds`, on the monotonic clock. */
  readonly #hiddenAt = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #extending = false;

  constructor(options: {
    readonly client: SQSClient;
    readonly queueUrl: string;
    readonly seconds: number;
    /** Told of what could not be extended: it may be handed out again meanwhile, which is safe. */
    readonly failed: (error: unknown, messages: number) => void;
  }) {
    this.#client = options.client;
    this.#queueUrl = options.queueUrl;
    this.#seconds = options.seconds;
    this.#failed = options.failed;
  }

  start(): void {
    // A sixth: what is extended when a third has gone by has half of the time left for the call.
    this.#timer = setInterval(() => void this.#extendDue(), (this.#seconds * 1_000) / 6);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#hiddenAt.clear();
  }

  /** From now on; it was just received. */
  keep(receipt: string): void {
    this.#hiddenAt.set(receipt, performance.now());
  }

  release(receipt: string): void {
    this.#hiddenAt.delete(receipt);
  }

  /** Never rejects. */
  async #extendDue(): Promise<void> {
    if (this.#extending) return;
    this.#extending = true;
    const dueBefore = performance.now() - (this.#seconds * 1_000) / 3;
    const due = [...this.#hiddenAt].filter(([, at]) => at <= dueBefore).map(([receipt]) => receipt);
    const caller = async (): Promise<void> => {
      while (due.length > 0) await this.#extend(due.splice(0, BATCH_MAX));
    };
    await Promise.all(Array.from({ length: CALLS_MAX }, caller));
    this.#extending = false;
  }

  async #extend(receipts: readonly string[]): Promise<void> {
    const at = performance.now();
    const Entries = receipts.map((receipt, index) => ({
      Id: String(index),
      ReceiptHandle: receipt,
      VisibilityTimeout: this.#seconds,
    }));
    let extended = new Set<string | undefined>();
    let failure: unknown = new Error('not extended');
    try {
      const answer = await this.#client.send(
        new ChangeMessageVisibilityBatchCommand({ QueueUrl: this.#queueUrl, Entries }),
      );
      extended = new Set((answer.Successful ?? []).map(({ Id }) => Id));
      const [first] = answer.Failed ?? [];
      if (first !== undefined) {
        failure = Object.assign(new Error(first.Message ?? ''), { name: first.Code ?? 'Error' });
      }
    } catch (error) {
      failure = error;
    }
    // What was released meanwhile is gone or left alone, and need not be hidden.
    const kept = receipts.filter((receipt) => this.#hiddenAt.has(receipt));
    const lost = kept.filter((receipt) => !extended.has(String(receipts.indexOf(receipt))));
    for (const receipt of kept) if (!lost.includes(receipt)) this.#hiddenAt.set(receipt, at);
    if (lost.length > 0) this.#failed(failure, lost.length);
  }
}
