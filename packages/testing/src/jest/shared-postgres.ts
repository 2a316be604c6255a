let stopShared: (() => Promise<void>) | undefined;

/** Keeps hold of the run's server between jest's two hooks, which share this module. */
export function keepForTeardown(server: { stop(): Promise<void> }): void {
  stopShared = () => server.stop();
}

export async function stopSharedPostgres(): Promise<void> {
  await stopShared?.();
}
