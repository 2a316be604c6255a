/** BullMQ's own keys (`wait`, `meta`, `events`) share the namespace with job ids, and have no dot. */
const JOB_ID = /^[^:]*\.[^:]*$/;

/**
 * @throws TypeError a job id BullMQ would refuse (`:`) or mistake: it must have a dot. Ids are ours, so this is a bug.
 */
export function assertJobId(jobId: string): void {
  if (!JOB_ID.test(jobId) || Number.isFinite(Number(jobId))) {
    throw new TypeError(`not a job id: ${JSON.stringify(jobId)}`);
  }
}
