import {
  findMeasuredTarget,
  forgetRetiredTarget,
} from '@odometer/database/measuring/measured-targets';
import {
  type Hold,
  keepProgress,
  type Measurement,
} from '@odometer/database/measuring/measurements';
import { inTransaction, type Pool } from '@odometer/database/pool';
import { removeMeasuredImages } from '@odometer/database/registries/measured-images';
import { replaceRegistryLevels } from '@odometer/database/registries/registry-levels';
import { postgresNowMs } from '@odometer/database/trusted-now';
import { OdometerError } from '@odometer/domain/errors';
import type { Figures } from '../process-measure.ts';

/**
 * Makes what a registry holds that is declared no more nothing: levels of 0, which are read into the gauges. It is measured by
 * nobody else meanwhile, and by nobody later. Done twice it does nothing.
 *
 * @throws OdometerError `measurement_taken_over`; `measurement_refused`: it is declared.
 */
export async function retireRegistry(
  pool: Pool,
  measurement: Measurement & Hold,
): Promise<Figures> {
  const { target, progress } = measurement;
  // It was killed before it was told.
  if (progress.retired === true) return { retired: true };
  return inTransaction(pool, async (transaction) => {
    await keepProgress(transaction, measurement, { retired: true });
    if (
      !(await forgetRetiredTarget(transaction, 'registry', target)) &&
      // Neither declared nor retired: somebody was quicker, and it is done.
      (await findMeasuredTarget(transaction, 'registry', target)) !== undefined
    ) {
      throw new OdometerError('measurement_refused', { reason: 'it is declared, and not retired' });
    }
    const at = new Date(await postgresNowMs(transaction));
    await replaceRegistryLevels(transaction, target, [], at);
    await removeMeasuredImages(transaction, target);
    return { retired: true };
  });
}
