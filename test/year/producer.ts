import type { Pool } from '@odometer/database/pool';
import { openEpoch } from '@odometer/database/sources';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import type { CountBatch, EventBatch } from '@odometer/queues/catalogue';

/** Numbers batches without a hole, as ingest and counters do. */
export class Producer {
  readonly #source: string;
  readonly #epoch: string;
  #seq = 0;
  #accepted = 0;

  private constructor(source: string, epoch: string) {
    this.#source = source;
    this.#epoch = epoch;
  }

  static async open(pool: Pool, kind: 'events' | 'mqtt', source: string): Promise<Producer> {
    return new Producer(source, await openEpoch(pool, { source, kind, instance: 'simulated' }));
  }

  events(events: readonly EventEnvelope[]): EventBatch {
    return { ...this.#header(events.length), events };
  }

  counts(hours: CountBatch['hours']): CountBatch {
    const messages = hours
      .flatMap(({ counts }) => counts)
      .reduce((sum, count) => sum + count[3] + count[6], 0);
    return { ...this.#header(messages), mark: null, messages, hours };
  }

  #header(items: number) {
    this.#seq += 1;
    this.#accepted += items;
    return {
      source: this.#source,
      epoch: this.#epoch,
      seq: this.#seq,
      frozenAtMs: Date.now(),
      books: { received: this.#accepted, rejected: 0, accepted: this.#accepted },
    };
  }
}
