/** The job of a pulled log: however often it is asked for, it waits once. */
export function pullJobId(log: string): string {
  return `pull.${log}`;
}
