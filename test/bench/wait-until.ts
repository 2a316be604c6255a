/** Often enough to lose a per cent at most of a run of seconds, seldom enough to take none of the machine. */
const POLL_INTERVAL_MS = 50;
/** No run takes that long. Filling a million rows takes a minute, and twice that on a machine that does other things too. */
const DEADLINE_MINUTES = 10;

/** @throws Error when it is still false after ten minutes. */
export async function waitUntil(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MINUTES * 60_000;
  while (!(await check())) {
    if (performance.now() > deadline) {
      throw new Error(`waited for ${DEADLINE_MINUTES} minutes until ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}
