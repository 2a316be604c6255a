interface Bucket {
  /** Events that may be sent now; negative after a request that was larger than what was left. */
  tokens: number;
  filledAtMs: number;
}

/**
 * A token bucket per API key, counted in events. A request is let in while there is anything left, whatever its size,
 * and pays afterwards: so a bound below 1,000 events per second still lets full batches through, one at a time, and
 * nothing has to be decoded in order to be refused.
 *
 * In memory, so the bound is per process: with three replicas a key may send three times as much.
 */
export class RateLimit {
  readonly #eventsPerSecond: number;
  readonly #now: () => number;
  /** As many as there are keys: unknown keys never get here. */
  readonly #buckets = new Map<string, Bucket>();

  /** @param eventsPerSecond also the burst; 0 sets no bound. */
  constructor(eventsPerSecond: number, now: () => number = () => performance.now()) {
    this.#eventsPerSecond = eventsPerSecond;
    this.#now = now;
  }

  /** @returns 0 when the key may send, else the whole seconds after which it may. */
  retryAfterSeconds(keyId: string): number {
    if (this.#eventsPerSecond === 0) return 0;
    const { tokens } = this.#refill(keyId);
    return tokens > 0 ? 0 : Math.max(1, Math.ceil((1 - tokens) / this.#eventsPerSecond));
  }

  spend(keyId: string, events: number): void {
    if (this.#eventsPerSecond !== 0) this.#refill(keyId).tokens -= events;
  }

  #refill(keyId: string): Bucket {
    const nowMs = this.#now();
    let bucket = this.#buckets.get(keyId);
    if (bucket === undefined) {
      bucket = { tokens: this.#eventsPerSecond, filledAtMs: nowMs };
      this.#buckets.set(keyId, bucket);
    }
    const earned = ((nowMs - bucket.filledAtMs) / 1_000) * this.#eventsPerSecond;
    bucket.tokens = Math.min(this.#eventsPerSecond, bucket.tokens + earned);
    bucket.filledAtMs = nowMs;
    return bucket;
  }
}
