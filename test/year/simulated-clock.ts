/**
 * The time of a simulation. Everything in this process that asks for the time gets it, BullMQ's due times and job
 * timestamps included; timers, and Postgres, go by the real one.
 *
 *   running ──stop()──▶ stopped (real time again)
 */
export class SimulatedClock {
  readonly #real = Date.now;
  #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
    Date.now = () => this.#nowMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Never backwards. */
  advanceTo(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }

  stop(): void {
    Date.now = this.#real;
  }
}
