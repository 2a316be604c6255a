import type { Backoff } from '@odometer/domain/backoff';
import type { JobsOptions } from 'bullmq';

/** The worker's own strategy; BullMQ's exponential one has no cap. */
const BACKOFF_TYPE = 'capped';

/** Between the attempts of a job that failed by itself. */
export const RETRY_BACKOFF: Backoff = { firstMs: 250, capMs: 30_000 };

/**
 * Of every job.
 * @see README.md for the reasons in one table.
 */
export const JOB_OPTIONS = {
  // With the backoff about 20 minutes: a bad release can be taken back before anything becomes a dead letter, and a
  // dead letter shows while whoever released is still there. Failures of the infrastructure do not count.
  attempts: 60,
  backoff: { type: BACKOFF_TYPE },
  // Postgres decides what was counted. A finished job kept here would be the dearest table of keys there is.
  removeOnComplete: true,
  // Only the sweep removes a failed job, and only after Postgres has it.
  removeOnFail: false,
  // The last one tells enough; 60 of them would make a small job large.
  stackTraceLimit: 1,
} as const satisfies JobsOptions;

/** BullMQ's event stream, which nobody reads; its default of 10,000 entries took 226 MB elsewhere. */
export const EVENT_STREAM_LENGTH = 100;
