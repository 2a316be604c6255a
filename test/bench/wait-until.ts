/** Often enough to lose a per cent at most of a run of seconds, seldom enough to take none of the machine. */
const POLL_INTERVAL_MS = 50;
const DEADLINE_MS = 120_000;

/** @throws Error when it is still false after two minutes: no run takes that long. */
export async function waitUntil(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`waited for two minutes until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}
