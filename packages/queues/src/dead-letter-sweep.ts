import { type AnyQueue, type DeadLetter, findDeadLetters, removeFailedJob } from './dead-letter.ts';

/** A dead letter may be seen a little late; a sweep of nothing is one command a queue. */
const INTERVAL_MS = 5_000;

/** Of one look into a queue: bounds the memory held, 1 MB a letter at worst. */
const LETTERS_AT_ONCE = 20;

/**
 * Moves jobs that failed for good to Postgres: stores each, and only then removes it from Redis. Killed in between, it
 * stores the same letter again. Any number of processes may sweep.
 *
 *   idle ──start()──▶ waiting ⇄ sweeping ──stop()──▶ stopped (the sweep under way ends after its current letter)
 */
export class DeadLetterSweep {
  readonly name = 'dead-letter-sweep';
  readonly #queues: readonly AnyQueue[];
  readonly #store: (letter: DeadLetter) => Promise<void>;
  readonly #log: { warn(fields: object): void };
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  #stopped = false;

  /** @param options.store unique by queue and job id; stores the same letter again without harm. */
  constructor(options: {
    readonly queues: readonly AnyQueue[];
    readonly store: (letter: DeadLetter) => Promise<void>;
    readonly log: { warn(fields: object): void };
    readonly intervalMs?: number;
  }) {
    this.#queues = options.queues;
    this.#store = options.store;
    this.#log = options.log;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
  }

  async start(): Promise<void> {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#tick(), this.#intervalMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#sweeping;
  }

  /**
   * Moves all that is failed now.
   * @returns how many letters were stored.
   * @throws what `store` or Redis threw; what was moved before stays moved.
   */
  async sweep(): Promise<number> {
    let stored = 0;
    for (const queue of this.#queues) {
      for (;;) {
        const letters = await findDeadLetters(queue, LETTERS_AT_ONCE);
        for (const letter of letters) {
          if (this.#stopped) return stored;
          await this.#store(letter);
          await removeFailedJob(queue, letter.jobId);
          stored += 1;
        }
        if (letters.length < LETTERS_AT_ONCE) break;
      }
    }
    return stored;
  }

  #tick(): void {
    if (this.#sweeping !== undefined) return;
    this.#sweeping = this.sweep()
      .then((stored) => {
        if (stored > 0) this.#log.warn({ event: 'dead_letters_stored', stored });
      })
      .catch((error: unknown) => this.#log.warn({ event: 'dead_letter_sweep_failed', error }))
      .finally(() => {
        this.#sweeping = undefined;
      });
  }
}
