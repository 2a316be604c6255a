import type { AwsClients } from '@odometer/aws/aws-clients';
import type { Pool } from '@odometer/database/pool';
import type { TrustedClock } from '@odometer/database/trusted-now';
import type { TargetKind } from '@odometer/domain/measured-target';
import type { Logger } from '@odometer/service-kit/logging';
import type { MonthPartitions } from '../month-partitions.ts';
import type { BucketCatalogue } from '../objects/bucket-catalogue.ts';
import type { UsageWriter } from '../periods/usage-writer.ts';
import type { RegistryCache } from '../registry-cache.ts';
import type { ListingCounts } from './bucket/listing-counts.ts';
import { createBucketMeasurer } from './bucket/measure-bucket.ts';
import { openS3Bucket } from './bucket/s3-object-lister.ts';
import { Turns } from './bucket/turns.ts';
import { createCrossCheckMeasurer } from './cross-check/measure-cross-check.ts';
import type { Measurer } from './process-measure.ts';
import { createReadingMeasurer } from './reading/measure-reading.ts';
import { connectRegistry } from './registry/connect-registry.ts';
import { createRegistryMeasurer } from './registry/measure-registry.ts';

/** Of the pool's connections, those that listings take at once, however many there are: counting needs the others. */
const LISTING_CONNECTIONS = 2;

export interface MeasurersParts {
  readonly pool: Pool;
  readonly owners: RegistryCache;
  readonly buckets: BucketCatalogue;
  readonly partitions: MonthPartitions;
  readonly usage: UsageWriter;
  readonly clock: TrustedClock;
  readonly aws: AwsClients;
  readonly listings: ListingCounts;
  /** Where the passwords of targets are. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: Pick<Logger, 'warn' | 'error'>;
}

/** How each kind of target is measured. */
export function createMeasurers({
  pool,
  owners,
  buckets,
  partitions,
  usage,
  clock,
  aws,
  listings,
  env,
  log,
}: MeasurersParts): Readonly<Record<TargetKind, Measurer>> {
  return {
    bucket: createBucketMeasurer({
      pool,
      registry: owners,
      buckets,
      openLister: (declaration, signal) =>
        openS3Bucket(
          {
            client: aws.s3(declaration),
            bucket: declaration.bucket,
            target: `bucket ${declaration.name}`,
            nowMs: clock.nowMs,
          },
          signal,
        ),
      counts: listings,
      turns: new Turns(LISTING_CONNECTIONS),
      nowMs: clock.nowMs,
      latestMs: clock.latestMs,
    }),
    registry: createRegistryMeasurer({
      pool,
      owners,
      connect: (declaration) => connectRegistry(declaration, aws, env),
    }),
    reading: createReadingMeasurer({
      pool,
      partitions,
      usage,
      registry: owners,
      env,
      log,
      nowMs: clock.nowMs,
    }),
    cross_check: createCrossCheckMeasurer({ pool, aws, env, log, nowMs: clock.nowMs }),
  };
}
