import type { ChangedDay } from '@odometer/database/periods/changed-days';

/** A mark takes a few dozen bytes; beyond this many they are inserted again rather than remembered. */
const MAX_MARKS = 500_000;

/**
 * Which changed days are marked in the current round, so that a project is marked once an hour and not with every apply.
 *
 *   round n ──a transaction of round n + 1 has committed──▶ round n + 1, nothing remembered
 *
 * Only what has committed may be remembered: a mark that was rolled back is not there.
 */
export class RememberedMarks {
  #round = '0';
  #size = 0;
  /** By day; projects' ids. */
  readonly #marks = new Map<string, Set<string>>();

  has(round: string, { projectId, day }: ChangedDay): boolean {
    return round === this.#round && this.#marks.get(day)?.has(projectId) === true;
  }

  /** Call after the commit of the transaction that has inserted the marks. */
  add(round: string, days: readonly ChangedDay[]): void {
    if (BigInt(round) < BigInt(this.#round)) return;
    if (round !== this.#round || this.#size + days.length > MAX_MARKS) this.forget();
    this.#round = round;
    for (const { projectId, day } of days) {
      const projects = this.#marks.get(day) ?? new Set();
      this.#marks.set(day, projects);
      if (!projects.has(projectId)) this.#size += 1;
      projects.add(projectId);
    }
  }

  forget(): void {
    this.#round = '0';
    this.#size = 0;
    this.#marks.clear();
  }
}
