import type { TargetKind } from '@odometer/queues/catalogue';
import type { Measurer } from './process-measure.ts';

/** How each kind of target is measured. */
export function createMeasurers(): Readonly<Record<TargetKind, Measurer>> {
  const notThereYet: Measurer = async () => {
    throw new Error('not there yet');
  };
  return {
    bucket: notThereYet,
    registry: notThereYet,
    reading: notThereYet,
    cross_check: notThereYet,
  };
}
