/** The values of a statement that is put together from parts: text that others chose is never part of the statement. */
export class SqlParameters {
  readonly #values: unknown[] = [];

  get values(): readonly unknown[] {
    return this.#values;
  }

  /** @returns the placeholder of a value, with its type. */
  add(value: unknown, type: SqlType): string {
    this.#values.push(value);
    return `$${this.#values.length}::${type}`;
  }
}

type SqlType =
  | 'text'
  | 'text[]'
  | 'bigint'
  | 'bigint[]'
  | 'smallint'
  | 'numeric'
  | 'jsonpath'
  | 'interval'
  | 'date'
  | 'timestamptz'
  | 'timestamptz[]';
