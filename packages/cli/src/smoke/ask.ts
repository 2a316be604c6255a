import type { Attempt } from './patience.ts';

/** A request that takes longer is given up and made again. */
const REQUEST_DEADLINE_MS = 10_000;
/** Services read the API keys every few seconds; a new one is unknown until then. */
const KEY_UNKNOWN = 401;

/**
 * One request.
 *
 * @param accepted statuses that answer it. What may be otherwise in a moment is `notYet`: a service that is not there or not
 *   ready, a key that is not known yet.
 */
export async function ask(
  url: string,
  request: RequestInit,
  accepted: readonly number[],
): Promise<Attempt<{ readonly status: number; readonly text: string }>> {
  let response: Response;
  let text: string;
  try {
    const signal = AbortSignal.timeout(REQUEST_DEADLINE_MS);
    response = await fetch(url, { ...request, signal });
    text = await response.text();
  } catch (error) {
    return { notYet: `${url} does not answer (${reasonOf(error)})` };
  }
  const { status } = response;
  if (accepted.includes(status)) return { done: { status, text } };
  const said = `${url} answered ${status}: ${text.slice(0, 300)}`;
  return status >= 500 || status === 429 || status === KEY_UNKNOWN
    ? { notYet: said }
    : { refused: said };
}

/** `fetch` says "fetch failed", and keeps why for itself. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}
