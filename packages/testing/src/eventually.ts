/** Below what a test's duration shows, above what would load the machine that is tested. */
const INTERVAL_MS = 25;

/**
 * Waits for a condition instead of for a time: calls `check` until it neither throws nor returns
 * false, and returns what it returned.
 * @throws what `check` threw last, when the deadline passes.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { deadlineMs = 10_000, intervalMs = INTERVAL_MS } = {},
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    try {
      const value = await check();
      if (value !== false) return value;
      if (Date.now() > deadline) {
        throw new Error(`not true within ${deadlineMs} ms: ${check.toString()}`);
      }
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
