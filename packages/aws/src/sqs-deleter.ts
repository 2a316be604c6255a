import { DeleteMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { type Backoff, backoffMs } from '@odometer/domain/backoff';

/** The most that one call deletes. */
const BATCH_MAX = 10;
/** Waits this long for company: what is handled together is done together, and a call costs as much as ten. */
const LINGER_MS = 20;
/** A poll must always find a free socket among the client's 50. */
const CALLS_MAX = 8;
/** Of one message. After that it comes again and is handled again, which is safe, only not free. */
const TRIES_MAX = 3;
const RETRY_BACKOFF: Backoff = { firstMs: 1_000, capMs: 2_000 };

interface Handled {
  readonly receipt: string;
  readonly resolve: (deleted: boolean) => void;
  tries: number;
}

/**
 * Deletes handled messages, ten at a call. A call may delete some of them only, which AWS answers with 200: what it names as
 * failed is tried again with others, and given up after a few tries.
 *
 *   open ──stop()──▶ stopped (what is not deleted by then is not, and comes again)
 */
export class SqsDeleter {
  readonly #client: SQSClient;
  readonly #queueUrl: string;
  readonly #failed: (error: unknown) => void;
  readonly #waiting: Handled[] = [];
  #timer: NodeJS.Timeout | undefined;
  #calls = 0;
  #stopped = false;

  constructor(options: {
    readonly client: SQSClient;
    readonly queueUrl: string;
    /** Told of every call that failed as a whole, and once for each that failed in part. */
    readonly failed: (error: unknown) => void;
  }) {
    this.#client = options.client;
    this.#queueUrl = options.queueUrl;
    this.#failed = options.failed;
  }

  /** @returns whether the queue confirmed it; never rejects */
  delete(receipt: string): Promise<boolean> {
    return new Promise((resolve) => this.#add({ receipt, resolve, tries: 0 }));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const handled of this.#waiting.splice(0)) handled.resolve(false);
  }

  #add(handled: Handled): void {
    if (this.#stopped) {
      handled.resolve(false);
      return;
    }
    this.#waiting.push(handled);
    if (this.#waiting.length >= BATCH_MAX) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), LINGER_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#waiting.length > 0 && this.#calls < CALLS_MAX) {
      this.#calls++;
      void this.#call(this.#waiting.splice(0, BATCH_MAX)).finally(() => {
        this.#calls--;
        if (this.#waiting.length > 0 && this.#timer === undefined) this.#flush();
      });
    }
  }

  /** Never rejects. */
  async #call(batch: readonly Handled[]): Promise<void> {
    const Entries = batch.map(({ receipt }, index) => ({
      Id: String(index),
      ReceiptHandle: receipt,
    }));
    const command = new DeleteMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries });
    const gone = new Set<string>();
    const hopeless = new Set<string>();
    try {
      const answer = await this.#client.send(command);
      for (const { Id } of answer.Successful ?? []) if (Id !== undefined) gone.add(Id);
      const failures = answer.Failed ?? [];
      for (const { Id, SenderFault } of failures) if (SenderFault && Id) hopeless.add(Id);
      const [first] = failures;
      if (first !== undefined) {
        const error = new Error(first.Message ?? 'not deleted');
        this.#failed(Object.assign(error, { name: first.Code ?? 'DeleteFailed' }));
      }
    } catch (error) {
      this.#failed(error);
    }
    for (const [index, handled] of batch.entries()) {
      // What the answer does not name at all is not known to be gone.
      if (gone.has(String(index))) handled.resolve(true);
      else this.#again(handled, hopeless.has(String(index)));
    }
  }

  /** A receipt that the queue does not know will not be known later either. */
  #again(handled: Handled, hopeless: boolean): void {
    handled.tries++;
    if (hopeless || handled.tries >= TRIES_MAX || this.#stopped) {
      handled.resolve(false);
      return;
    }
    setTimeout(() => this.#add(handled), backoffMs(RETRY_BACKOFF, handled.tries));
  }
}
