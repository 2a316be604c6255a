import type { Oracle, PlannedEvent } from './oracle.ts';

export interface PostOptions {
  /** Used in turn, by retries too. */
  readonly urls: readonly string[];
  readonly key: string;
  readonly oracle: Oracle;
  /** Requests under way at once. */
  readonly clients: number;
  /** When the request with this index may be sent, as a fraction of all; paces the posts. */
  readonly isDue: (fraction: number) => boolean;
  /** Beyond it a request counts as never acknowledged. */
  readonly deadlineMs: number;
}

const CONTENT_TYPE = 'application/cloudevents-batch+json';
const RETRY_MS = 100;

/** One attempt. @returns the status, or undefined when no answer came. */
export async function postOnce(
  url: string,
  key: string,
  events: readonly PlannedEvent[],
): Promise<number | undefined> {
  try {
    const response = await fetch(`${url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': CONTENT_TYPE },
      body: JSON.stringify(events.map(({ json }) => json)),
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    // Perhaps it was taken and only the answer was lost.
    return undefined;
  }
}

/**
 * Posts requests as a careful client does: the same ids again until they are acknowledged. The same events may be in
 * several requests.
 * @returns what went wrong: an answer that no retry can mend, or none at all until the deadline.
 */
export async function postEvents(
  requests: readonly (readonly PlannedEvent[])[],
  options: PostOptions,
): Promise<readonly string[]> {
  const { urls, key, oracle } = options;
  const violations: string[] = [];
  const deadline = Date.now() + options.deadlineMs;
  let next = 0;
  let turn = 0;
  const client = async () => {
    for (;;) {
      const index = next;
      const request = requests[index];
      if (request === undefined) return;
      next += 1;
      while (!options.isDue(index / requests.length)) await pause(10);
      oracle.attemptEvents(request);
      for (;;) {
        const url = urls[turn++ % urls.length] ?? '';
        const status = await postOnce(url, key, request);
        if (status === 204) {
          oracle.acknowledgeEvents(request);
          break;
        }
        // 408: a machine that is busy with other tests did not get to read it in time, and it may be sent again (RFC 9110 §15.5.9).
        if (status !== undefined && status !== 503 && status !== 408) {
          violations.push(`POST /api/v1/events answered ${status}`);
          return;
        }
        if (Date.now() > deadline) {
          violations.push(`a request was not acknowledged within ${options.deadlineMs} ms`);
          return;
        }
        await pause(RETRY_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: options.clients }, client));
  return violations;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
