/**
 * A small table, read from Postgres every few seconds and kept while Postgres is away: usage must not be refused because
 * a key cannot be looked up. So what changes there holds here within the refresh interval, or when Postgres is back.
 *
 *   empty (`value` is undefined) ──first refresh that succeeds──▶ loaded ⇄ refreshed
 */
export class CachedTable<Table> {
  readonly #read: () => Promise<Table>;
  #value: Table | undefined;

  constructor(read: () => Promise<Table>) {
    this.#read = read;
  }

  /** As last read; undefined before the first time. */
  get value(): Table | undefined {
    return this.#value;
  }

  async refresh(): Promise<void> {
    this.#value = await this.#read();
  }
}
