import type { Processor } from '@odometer/queues/job-worker';
import { processRun, type RunParts } from './process-run.ts';
import { runTest } from './run-test.ts';

/** What is done with the jobs of the posthoc queue. */
export function createPosthocProcessor(parts: RunParts): Processor<'posthoc'> {
  return async (job, signal) => {
    if (job.name === 'run') await processRun(parts, job.payload.runId, signal);
    else await runTest(parts, job.payload.testId, signal);
  };
}
