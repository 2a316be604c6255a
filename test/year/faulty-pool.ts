import { createPool, type Pool } from '@odometer/database/pool';

type Query = (...args: unknown[]) => unknown;

/** As Postgres says when it is restarted: nothing is wrong with what was asked. */
class PlantedFailure extends Error {
  readonly code = '57P01';
}

/** Whether an error, or one of those it is made of, is a planted one. */
export function isPlanted(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isPlanted);
  return error instanceof PlantedFailure;
}

/** The connections of one worker, of which one statement fails when it is told to. */
export class FaultyPool {
  readonly pool: Pool;
  #statementsLeft = Number.POSITIVE_INFINITY;
  #isAfter = false;

  constructor(url: string, maxConnections: number) {
    this.pool = createPool({ url, applicationName: 'simulated year', maxConnections }, () => {});
    this.pool.on('connect', (client) => {
      const query = client.query.bind(client) as unknown as Query;
      client.query = ((...args: unknown[]) => this.#run(query, args)) as typeof client.query;
    });
  }

  /**
   * One statement will fail.
   * @param isAfter it is done, and its answer is lost: of a commit that is the worst there is.
   */
  failOnce(afterStatements: number, isAfter: boolean): void {
    this.#statementsLeft = afterStatements;
    this.#isAfter = isAfter;
  }

  /** Takes back what has not failed yet. */
  mend(): void {
    this.#statementsLeft = Number.POSITIVE_INFINITY;
  }

  async end(): Promise<void> {
    await this.pool.end();
  }

  #run(query: Query, args: unknown[]): unknown {
    // A COPY is a stream; the statement after it will do as well.
    if (typeof args[0] === 'object' && args[0] !== null && 'submit' in args[0])
      return query(...args);
    this.#statementsLeft -= 1;
    if (this.#statementsLeft >= 0) return query(...args);
    this.mend();
    const failure = new PlantedFailure('planted failure');
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      // pool.query's way: before the statement, for what it does alone is not in doubt.
      process.nextTick(() => callback(failure));
      return undefined;
    }
    if (!this.#isAfter) return Promise.reject(failure);
    return Promise.resolve(query(...args)).then(() => Promise.reject(failure));
  }
}
