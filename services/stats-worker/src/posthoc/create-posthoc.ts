import type { AwsClients } from '@odometer/aws/aws-clients';
import type { Pool } from '@odometer/database/pool';
import { eventBounds } from '@odometer/intake/event-variables';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Processor } from '@odometer/queues/job-worker';
import type { Logger } from '@odometer/service-kit/logging';
import { periodic } from '@odometer/service-kit/periodic';
import type { Service } from '@odometer/service-kit/service';
import { BearerTokens } from '../pulled-logs/bearer-tokens.ts';
import type { PullCounts } from '../pulled-logs/pull-counts.ts';
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
  readonly defaultOrganization: string;
  readonly maxFutureMs: number;
  readonly maxAgeSeconds: number;
  readonly maxEventBytes: number;
}

/** What runs post-hoc metrics, and reads pulled logs. */
export function createPosthoc(parts: {
  readonly pool: Pool;
  readonly eventsQueue: JobQueue<'events'>;
  readonly counts: PosthocCounts;
  readonly pullCounts: PullCounts;
  readonly aws: AwsClients;
  readonly config: PosthocConfig;
  /** Where the secrets of pulled logs are. */
  readonly env: NodeJS.ProcessEnv;
  readonly onBug: (error: Error) => void;
  readonly log: Logger;
}): {
  readonly process: Processor<'posthoc'>;
  /** Opens a life as a producer of events; only for workers that take the jobs. */
  readonly addTo: (service: Service) => void;
} {
  const { pool, eventsQueue, counts, pullCounts, aws, config, env, onBug, log } = parts;
  const { instance } = config;
  const { epoch, producer, enqueue } = openEventProducer({
    pool,
    queue: eventsQueue,
    instance,
    onBug,
    log,
  });
  const engines = {
    athena: createAthenaEngine(
      (target) => aws.athena(target),
      (scannedBytes) => counts.addScanned('athena', Number(scannedBytes)),
    ),
    duckdb: createDuckDbEngine({
      directory: config.posthocDirectory,
      limits: { memoryBytes: config.posthocMemoryMb * 1_048_576, threads: config.posthocThreads },
      fetch: { aws, maxBytes: config.posthocFetchMb * 1_048_576 },
    }),
  };
  const pulls = {
    pool,
    tokens: new BearerTokens(env),
    counts: pullCounts,
    bounds: eventBounds(config),
    defaultOrganization: config.defaultOrganization,
    enqueue,
    log,
  };
  return {
    process: createPosthocProcessor({ pool, engines, counts, enqueue, log, pulls }),
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
