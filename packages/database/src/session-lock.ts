import pg from 'pg';

/** A server that does not answer within this is as good as away; the lock is tried again on a new connection. */
const ANSWER_MS = 5_000;

/**
 * An advisory lock that one process holds for as long as its connection lives, for being the only one of its kind. It has a
 * connection of its own: one of a pool may be closed or lent to somebody else. A pooler in front of Postgres must be in
 * session mode.
 *
 *   apart ──hold()──▶ held ──the connection ends, or does not answer──▶ apart
 *     └──────────────────release()────────────────▶ released (for good)
 *
 * Postgres gives the lock to another only when our session has ended, and we may learn of that later than the other. So
 * what is done under it must be harmless when two do it for a moment.
 */
export class SessionLock {
  readonly #open: () => pg.Client;
  readonly #key: readonly [kind: number, which: number];
  #client: pg.Client | undefined;
  #held = false;
  #released = false;

  /** @param options.key both parts of the advisory lock; see advisory-locks.ts. */
  constructor(options: {
    readonly url?: string | undefined;
    readonly applicationName: string;
    readonly key: readonly [kind: number, which: number];
  }) {
    this.#open = () =>
      new pg.Client({
        ...(options.url === undefined ? {} : { connectionString: options.url }),
        application_name: options.applicationName,
        connectionTimeoutMillis: ANSWER_MS,
        query_timeout: ANSWER_MS,
        keepAlive: true,
      });
    this.#key = options.key;
  }

  /** As far as is known: the end of the connection is noticed at once, its silence by the next `hold`. */
  get isHeld(): boolean {
    return this.#held;
  }

  /**
   * Takes the lock if nobody has it, or makes sure that it is still held. Never waits for another holder. Not to be called
   * again before it has settled.
   *
   * @throws what Postgres or the network said; then it is not held.
   */
  async hold(): Promise<boolean> {
    if (this.#released) return false;
    const client = this.#client ?? (await this.#connect());
    try {
      // Asked of the session that holds it, so that a connection which has died unnoticed is found out.
      const statement = this.#held
        ? 'select true as held'
        : 'select pg_try_advisory_lock($1, $2) as held';
      const { rows } = await client.query<{ held: boolean }>(
        statement,
        this.#held ? [] : [...this.#key],
      );
      // It may have ended, or been released, while the answer was on its way.
      this.#held = client === this.#client && rows[0]?.held === true;
      return this.#held;
    } catch (error) {
      this.#forget(client);
      throw error;
    }
  }

  /** Gives it up for good by ending the connection. */
  async release(): Promise<void> {
    this.#released = true;
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    this.#held = false;
    await client.end().catch(() => {});
  }

  async #connect(): Promise<pg.Client> {
    const client = this.#open();
    client.on('error', () => this.#forget(client));
    client.on('end', () => this.#forget(client));
    this.#client = client;
    try {
      await client.connect();
    } catch (error) {
      this.#forget(client);
      throw error;
    }
    return client;
  }

  #forget(client: pg.Client): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    this.#held = false;
    client.end().catch(() => {});
  }
}
