import type { CachedTable } from '@odometer/service-kit/http/cached-table';
import type { Logger } from 'pino';
import type { PulledSources } from '../sources/pulled-sources.ts';
import { groupSources } from './group-sources.ts';
import type { BucketTable, DeclaredBucket } from './read-buckets.ts';

/**
 * Makes what is declared take effect: reads the declarations, and has the sources follow. While Postgres is away all goes on
 * as it was last declared.
 */
export class DeclaredNotifications {
  readonly #buckets: CachedTable<BucketTable>;
  readonly #sources: PulledSources;
  readonly #log: Logger;
  #webhooks: ReadonlyMap<string, readonly DeclaredBucket[]> | undefined;
  #disagreeing = '';

  constructor(options: {
    readonly buckets: CachedTable<BucketTable>;
    readonly sources: PulledSources;
    readonly log: Logger;
  }) {
    this.#buckets = options.buckets;
    this.#sources = options.sources;
    this.#log = options.log;
  }

  /** By the last part of their address; undefined before the first time. */
  get webhooks(): ReadonlyMap<string, readonly DeclaredBucket[]> | undefined {
    return this.#webhooks;
  }

  async refresh(): Promise<void> {
    await this.#buckets.refresh();
    const { pulled, webhooks, disagreeing } = groupSources(
      this.#buckets.value ?? { installation: '', declared: [] },
    );
    this.#webhooks = webhooks;
    this.#sources.keep(pulled);
    if (disagreeing.join() === this.#disagreeing) return;
    this.#disagreeing = disagreeing.join();
    // Their queue is read as the first one says.
    if (disagreeing.length > 0) {
      this.#log.error({ event: 'bucket_queue_disagrees', buckets: disagreeing });
    }
  }
}
