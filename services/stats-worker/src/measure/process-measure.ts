import { randomUUID } from 'node:crypto';
import {
  beginMeasurement,
  finishMeasurement,
  type Hold,
  type Measurement,
  releaseMeasurement,
} from '@odometer/database/measuring/measurements';
import type { Pool } from '@odometer/database/pool';
import { isOdometerError } from '@odometer/domain/errors';
import type { TargetKind } from '@odometer/domain/measured-target';
import type { Measure } from '@odometer/queues/catalogue';
import { isInfrastructureError } from '@odometer/queues/infrastructure-error';
import type { JobQueue } from '@odometer/queues/job-queue';
import type { Processor } from '@odometer/queues/job-worker';
import type { Logger } from '@odometer/service-kit/logging';
import type { MeasureCounts } from './measure-metrics.ts';

/** Of a job: well within its deadline, so that what it holds ends by itself and another job goes on. */
const BUDGET_MS = 240_000;

/** What a measurement found out, as it is kept and shown; quantities as decimal text. */
export type Figures = Readonly<Record<string, unknown>>;

/**
 * Measures one target. It keeps its steps with `keepProgress`, in the transactions that do them, and starts where they say.
 *
 * @throws the signal's reason when its time is up: it is called again, with what it has kept.
 * @throws OdometerError `measurement_refused` when the result is not to be believed.
 * @throws anything else when there is no result.
 */
export type Measurer = (measurement: Measurement & Hold, signal: AbortSignal) => Promise<Figures>;

export interface MeasureParts {
  readonly pool: Pool;
  readonly queue: JobQueue<'measure'>;
  readonly measurers: Readonly<Record<TargetKind, Measurer>>;
  readonly counts: MeasureCounts;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * What is done with the jobs of the measure queue. A target that cannot be measured is recorded as such and tried again with
 * the next bell: that the job fails would help nobody. Only what we depend on ourselves makes it wait.
 */
export function createMeasureProcessor(parts: MeasureParts): Processor<'measure'> {
  return async (job, signal) => {
    await measure(parts, job.payload, signal);
  };
}

async function measure(parts: MeasureParts, job: Measure, signal: AbortSignal): Promise<void> {
  const { pool, queue, measurers, counts, log } = parts;
  const holder = randomUUID();
  const measurement = await beginMeasurement(pool, job, holder);
  if (measurement === undefined) {
    log.info({ event: 'measurement_under_way', kind: job.kind, target: job.target });
    return;
  }
  const hold = { id: measurement.id, holder };
  const budget = AbortSignal.timeout(BUDGET_MS);
  const startedAt = performance.now();
  const fields = { kind: job.kind, target: job.target, purpose: measurement.purpose };
  try {
    const figures = await measurers[job.kind](
      { ...measurement, ...hold },
      AbortSignal.any([signal, budget]),
    );
    await finishMeasurement(pool, hold, { state: 'complete', figures });
    counts.add(job.kind, 'complete');
    log.info({ event: 'measured', ...fields, figures });
  } catch (error) {
    if (isOdometerError(error, 'measurement_taken_over')) {
      log.warn({ event: 'measurement_taken_over', ...fields });
      return;
    }
    if (budget.aborted || signal.aborted) {
      await releaseMeasurement(pool, hold);
      if (signal.aborted) throw error;
      const part = job.part + 1;
      await queue.add(
        'target',
        { ...job, part },
        `${job.kind}.${job.target}.${measurement.id}-${part}`,
      );
      return;
    }
    if (isInfrastructureError(error)) {
      await releaseMeasurement(pool, hold).catch(() => {});
      throw error;
    }
    const state = isOdometerError(error, 'measurement_refused') ? 'refused' : 'failed';
    const failure = isOdometerError(error) ? error.code : 'unexpected';
    const detail = error instanceof Error ? error.message : String(error);
    await finishMeasurement(pool, hold, { state, failure, detail });
    counts.add(job.kind, state);
    log.error({ event: 'measurement_failed', ...fields, state, error });
  } finally {
    // Of each part, also of those whose measurement another job goes on with.
    counts.seconds += (performance.now() - startedAt) / 1_000;
  }
}
