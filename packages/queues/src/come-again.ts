/**
 * Thrown by a processor whose job has nothing to do until later: it is called again then, by whichever worker. Meanwhile nobody
 * holds the job, no attempt is used up, and a worker that stops or dies loses nothing.
 */
export class ComeAgain extends Error {
  readonly afterMs: number;

  constructor(afterMs: number) {
    super(`again in ${afterMs} ms`);
    this.name = 'ComeAgain';
    this.afterMs = afterMs;
  }
}
