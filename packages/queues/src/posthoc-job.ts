/** The job of a run: however often it is asked for, it waits once. */
export function posthocJobId(runId: string): string {
  return `run.${runId}`;
}
