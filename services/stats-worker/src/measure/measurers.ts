import type { AwsClients } from '@odometer/aws/aws-clients';
import type { Pool } from '@odometer/database/pool';
import type { TargetKind } from '@odometer/queues/catalogue';
import type { RegistryCache } from '../registry-cache.ts';
import type { Measurer } from './process-measure.ts';
import { connectRegistry } from './registry/connect-registry.ts';
import { createRegistryMeasurer } from './registry/measure-registry.ts';

export interface MeasurersParts {
  readonly pool: Pool;
  readonly owners: RegistryCache;
  readonly aws: AwsClients;
  /** Where the passwords of targets are. */
  readonly env: NodeJS.ProcessEnv;
}

/** How each kind of target is measured. */
export function createMeasurers({
  pool,
  owners,
  aws,
  env,
}: MeasurersParts): Readonly<Record<TargetKind, Measurer>> {
  const notThereYet: Measurer = async () => {
    throw new Error('not there yet');
  };
  return {
    bucket: notThereYet,
    registry: createRegistryMeasurer({
      pool,
      owners,
      connect: (declaration) => connectRegistry(declaration, aws, env),
    }),
    reading: notThereYet,
    cross_check: notThereYet,
  };
}
