import type { AnyQueue } from './dead-letter.ts';

/** One command in so many milliseconds, however many requests ask. */
const REFRESH_MS = 500;

/** An older reading says nothing about now. */
const FORGET_MS = 5_000;

/**
 * How many jobs wait in a queue, cheap enough to ask at every request. Reading it starts a refresh in the background when
 * the last one is older than 500 ms: there is no timer, and nobody waits.
 *
 *   unknown ──read()──▶ fresh ──500 ms──▶ stale (still told, refreshing) ──5 s without a refresh──▶ unknown
 */
export class Backlog {
  readonly #queue: AnyQueue;
  #waiting = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(queue: AnyQueue) {
    this.#queue = queue;
  }

  /** Jobs nobody has begun, or that wait for another attempt. 0 when unknown: then Redis itself will say no, or yes. */
  waiting(): number {
    const nowMs = performance.now();
    if (nowMs - this.#askedAtMs >= REFRESH_MS) {
      this.#askedAtMs = nowMs;
      this.#refresh();
    }
    return nowMs - this.#readAtMs < FORGET_MS ? this.#waiting : 0;
  }

  #refresh(): void {
    this.#queue.depth().then(
      ({ waiting, delayed }) => {
        this.#waiting = waiting + delayed;
        this.#readAtMs = performance.now();
      },
      () => {}, // Redis is away: the reading grows old.
    );
  }
}
