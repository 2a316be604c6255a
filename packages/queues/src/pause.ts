import { setTimeout as sleep } from 'node:timers/promises';

/** Sleeps; returns early, without throwing, when the signal is aborted. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(durationMs, undefined, { signal });
  } catch {
    // Aborted: whoever waits looks at the signal.
  }
}
