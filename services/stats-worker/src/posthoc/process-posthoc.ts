import { ComeAgain } from '@odometer/queues/come-again';
import type { Processor } from '@odometer/queues/job-worker';
import { type PullParts, pullLog } from '../pulled-logs/pull-log.ts';
import type { Again } from './ask-engine.ts';
import { processRun, type RunParts } from './process-run.ts';
import { runTest } from './run-test.ts';

/** What is done with the jobs of the posthoc queue. Nobody sits and waits for a query that runs elsewhere: its job comes again. */
export function createPosthocProcessor(
  parts: RunParts & { readonly pulls: PullParts },
): Processor<'posthoc'> {
  return async (job, signal) => {
    let again: Again | undefined;
    if (job.name === 'run') again = await processRun(parts, job.payload.runId, signal);
    if (job.name === 'test') again = await runTest(parts, job.payload.testId, signal);
    if (job.name === 'pull') again = await pullLog(parts.pulls, job.payload, signal);
    if (again !== undefined) throw new ComeAgain(again.afterMs);
  };
}
