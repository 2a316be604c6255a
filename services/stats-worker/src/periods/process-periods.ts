import type { Pool } from '@odometer/database/pool';
import type { Processor } from '@odometer/queues/job-worker';

export interface PeriodsParts {
  readonly pool: Pool;
}

/** What is done with the jobs of the periods queue. Everything is driven by what Postgres says is due. */
export function createPeriodsProcessor(_parts: PeriodsParts): Processor<'periods'> {
  return async (job, _signal) => {
    switch (job.name) {
      case 'due':
      case 'snapshot':
      case 'close-month':
      case 'count-back':
      case 'maintain':
        return;
    }
  };
}
