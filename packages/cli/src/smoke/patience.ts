import { setTimeout as sleep } from 'node:timers/promises';
import { OdometerError } from '@odometer/domain/errors';

const ASK_AGAIN_MS = 500;

/**
 * What became of one attempt: done; not yet, so that another may succeed; or refused, so that none will. The reasons are for
 * people.
 */
export type Attempt<Result> =
  | { readonly done: Result }
  | { readonly notYet: string }
  | { readonly refused: string };

/** One deadline for all that a test waits for. */
export class Patience {
  readonly #seconds: number;
  readonly #endsAtMs: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
    this.#endsAtMs = performance.now() + seconds * 1_000;
  }

  /**
   * Repeats an attempt until it is done.
   *
   * @param what completes the sentence, as in "it could not be seen within 120 s that the event was accepted: …".
   * @throws OdometerError `smoke_failed` with the last reason at the deadline; `smoke_refused` at once.
   */
  async until<Result>(what: string, attempt: () => Promise<Attempt<Result>>): Promise<Result> {
    for (;;) {
      const outcome = await attempt();
      if ('done' in outcome) return outcome.done;
      if ('refused' in outcome) {
        throw new OdometerError('smoke_refused', { what, reason: outcome.refused });
      }
      if (performance.now() + ASK_AGAIN_MS > this.#endsAtMs) {
        throw new OdometerError('smoke_failed', {
          what,
          seconds: this.#seconds,
          reason: outcome.notYet,
        });
      }
      await sleep(ASK_AGAIN_MS);
    }
  }
}
