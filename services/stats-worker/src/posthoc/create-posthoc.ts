import type { AwsClients } from '@odometer/aws/aws-clients';
import type { Pool } from '@odometer/database/pool';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Processor } from '@odometer/queues/job-worker';
import type { Logger } from '@odometer/service-kit/logging';
import { periodic } from '@odometer/service-kit/periodic';
import type { Service } from '@odometer/service-kit/service';
import { createAthenaEngine } from './engines/athena/athena-engine.ts';
import { createDuckDbEngine } from './engines/duckdb/duckdb-engine.ts';
import { openEventProducer } from './open-event-producer.ts';
import type { PosthocCounts } from './posthoc-counts.ts';
import { createPosthocProcessor } from './process-posthoc.ts';

/** A loss at the tail shows in the books this much later; one small update a second is nothing. */
const ACKNOWLEDGE_INTERVAL_MS = 1_000;

export interface PosthocConfig {
  readonly instance: string;
  readonly posthocDirectory: string | undefined;
  readonly posthocMemoryMb: number;
  readonly posthocThreads: number;
  readonly posthocFetchMb: number;
}

/** What runs post-hoc metrics. */
export function createPosthoc(parts: {
  readonly pool: Pool;
  readonly eventsQueue: JobQueue<'events'>;
  readonly counts: PosthocCounts;
  readonly aws: AwsClients;
  readonly config: PosthocConfig;
  readonly onBug: (error: Error) => void;
  readonly log: Logger;
}): {
  readonly process: Processor<'posthoc'>;
  /** Opens a life as a producer of events; only for workers that take the jobs. */
  readonly addTo: (service: Service) => void;
} {
  const { pool, eventsQueue, counts, aws, config, onBug, log } = parts;
  const { instance } = config;
  const { epoch, producer, enqueue } = openEventProducer({
    pool,
    queue: eventsQueue,
    instance,
    onBug,
    log,
  });
  const engines = {
    athena: createAthenaEngine((target) => aws.athena(target)),
    duckdb: createDuckDbEngine({
      directory: config.posthocDirectory,
      limits: { memoryBytes: config.posthocMemoryMb * 1_048_576, threads: config.posthocThreads },
      fetch: { aws, maxBytes: config.posthocFetchMb * 1_048_576 },
    }),
  };
  return {
    process: createPosthocProcessor({ pool, engines, counts, enqueue, log }),
    addTo(service) {
      // After the workers, who wait for it, and before its queue.
      service.add('buffers', producer);
      service.add(
        'queues',
        periodic({
          name: 'acknowledgement',
          intervalMs: ACKNOWLEDGE_INTERVAL_MS,
          run: () => epoch.acknowledge(),
          log,
        }),
      );
      // Before Postgres, because closing it is a statement.
      service.add('redis', epoch);
    },
  };
}
