/** A clock that goes on only when it is told to. */
export class SimulatedClock {
  #nowMs: number;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  readonly now = (): number => this.#nowMs;

  advance(byMs: number): void {
    this.#nowMs += byMs;
  }
}
