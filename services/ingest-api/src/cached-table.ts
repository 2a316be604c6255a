import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/**
 * A small table, read from Postgres every few seconds and kept while Postgres is away: usage must not be refused because
 * a key cannot be looked up. So what changes there holds here within the refresh interval, or when Postgres is back.
 *
 *   empty (`value` is undefined) ──first read──▶ loaded, refreshed regularly ──stop()──▶ stopped
 */
export class CachedTable<Table> {
  readonly name: string;
  readonly #read: () => Promise<Table>;
  readonly #refreshMs: number;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  #value: Table | undefined;
  #refreshing: Promise<void> | undefined;
  #failing = false;

  constructor(options: {
    readonly name: string;
    readonly read: () => Promise<Table>;
    readonly refreshMs: number;
    readonly log: Logger;
  }) {
    this.name = options.name;
    this.#read = options.read;
    this.#refreshMs = options.refreshMs;
    this.#log = options.log;
  }

  /** As last read; undefined before the first time. */
  get value(): Table | undefined {
    return this.#value;
  }

  async start(): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#refreshing ??= this.#refreshRegularly();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#refreshing;
  }

  async #refreshRegularly(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      await this.#refresh();
      await sleep(this.#refreshMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #refresh(): Promise<void> {
    try {
      this.#value = await this.#read();
      this.#failing = false;
    } catch (error) {
      // One line per outage is enough.
      if (!this.#failing)
        this.#log.warn({ event: 'table_refresh_failed', table: this.name, error });
      this.#failing = true;
    }
  }
}
