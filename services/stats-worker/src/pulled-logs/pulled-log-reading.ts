import type { Queryable } from '@odometer/database/pool';
import { listPulledLogs } from '@odometer/database/pulled-logs/pulled-logs';
import { pulledLogDeclarationSchema } from '@odometer/domain/pulled-logs/pulled-log-declaration';
import type { LabelledCount } from '@odometer/service-kit/metrics';

/** How far pulled logs are read, as last read from Postgres; nothing is shown before that. */
export class PulledLogReading {
  readonly #db: Queryable;
  #readUntil: readonly LabelledCount<'name'>[] = [];
  #failing: readonly LabelledCount<'name'>[] = [];

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** @throws what Postgres throws; the last reading stays. */
  async refresh(): Promise<void> {
    const logs = (await listPulledLogs(this.#db)).filter(
      // What is paused is not late.
      ({ declaration }) => pulledLogDeclarationSchema.safeParse(declaration).data?.paused !== true,
    );
    this.#readUntil = logs.map(({ name, readUntil, declaredAt }) => [
      { name },
      (readUntil ?? declaredAt).getTime() / 1_000,
    ]);
    this.#failing = logs.map(({ name, failures }) => [{ name }, failures]);
  }

  /** By name, Unix time in seconds. */
  readUntil(): readonly LabelledCount<'name'>[] {
    return this.#readUntil;
  }

  /** By name, readings in a row. */
  failing(): readonly LabelledCount<'name'>[] {
    return this.#failing;
  }
}
