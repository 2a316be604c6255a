/** As pino has it. */
export interface WarningLog {
  warn(fields: object): void;
}

/** A queue that is away fails every receiver every few seconds; what matters is that it began, and that it goes on. */
const SILENCE_MS = 60_000;

/** Logs the first warning of each event, then one a minute with the number of those left out. */
export class FewWarnings {
  readonly #log: WarningLog;
  readonly #events = new Map<string, { silentUntil: number; leftOut: number }>();

  constructor(log: WarningLog) {
    this.#log = log;
  }

  /** @param event one of few: each is remembered */
  warn(event: string, fields: object, now = Date.now()): void {
    const before = this.#events.get(event);
    if (before !== undefined && now < before.silentUntil) {
      before.leftOut++;
      return;
    }
    this.#log.warn({ event, ...fields, leftOut: before?.leftOut ?? 0 });
    this.#events.set(event, { silentUntil: now + SILENCE_MS, leftOut: 0 });
  }
}
