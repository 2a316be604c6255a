import { LONGEST_PAUSE_MS } from '@odometer/domain/pulled-logs/left-alone';

/** Without a word about when: about as long as rate limits are counted for. */
const UNSAID_MS = 60_000;

/**
 * How long a log wants to be left alone, by the headers of an answer: `Retry-After` (RFC 9110, seconds or a date), or
 * `X-RateLimit-Reset` (seconds since the epoch; Auth0, GitHub). A date is measured by the answer's own clock, when it has one.
 *
 * @param isRefused whether it was a 429; otherwise only `X-RateLimit-Remaining: 0` asks for a pause.
 * @returns milliseconds; 0: none.
 */
export function wantedPauseMs(
  headers: Pick<Headers, 'get'>,
  isRefused: boolean,
  nowMs: number,
): number {
  if (!isRefused && headers.get('x-ratelimit-remaining') !== '0') return 0;
  const theirs = Date.parse(headers.get('date') ?? '');
  const fromMs = Number.isNaN(theirs) ? nowMs : theirs;
  const retryAfter = headers.get('retry-after');
  const reset = headers.get('x-ratelimit-reset');
  const waitsMs = [
    ...(retryAfter === null ? [] : [seconds(retryAfter) ?? Date.parse(retryAfter) - fromMs]),
    ...(reset === null ? [] : [(seconds(reset) ?? Number.NaN) - fromMs]),
  ].filter((ms) => !Number.isNaN(ms));
  if (waitsMs.length === 0) return isRefused ? UNSAID_MS : 0;
  return Math.min(Math.max(0, ...waitsMs), LONGEST_PAUSE_MS);
}

/** As milliseconds. */
function seconds(text: string): number | undefined {
  return /^\d{1,15}(\.\d+)?$/.test(text.trim()) ? Number(text) * 1_000 : undefined;
}
