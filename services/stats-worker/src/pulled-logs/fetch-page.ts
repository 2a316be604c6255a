import { hash } from 'node:crypto';
import { OdometerError } from '@odometer/domain/errors';
import type { PulledLogDeclaration } from '@odometer/domain/pulled-logs/pulled-log-declaration';
import { type LogPage, readPage } from '@odometer/domain/pulled-logs/read-page';
import { parseJson } from '@odometer/intake/parse-json';
import { Refusal } from '@odometer/intake/refusal';
import { askOnce, type HttpAnswer } from './ask-once.ts';
import type { BearerTokens } from './bearer-tokens.ts';
import { refusalOf } from './refusal-of.ts';
import { wantedPauseMs } from './wanted-pause.ts';

/** A hundred logs of Auth0 are some 200 kB. A page is in memory as bytes, as text and as JSON. */
const MAX_PAGE_BYTES = 8_388_608;

/**
 * How APIs say that they do not know a checkpoint. They say the same when something else is wrong with a request, so whoever
 * asks believes it only when they know another checkpoint.
 */
const UNKNOWN_CHECKPOINT: readonly number[] = [400, 404, 410, 422];

export type FetchedPage =
  | (LogPage & {
      readonly kind: 'page';
      /** Tells apart pages that are not the same. */
      readonly digest: string;
      /** How long to wait before the next one, milliseconds. */
      readonly pauseMs: number;
    })
  | { readonly kind: 'throttled'; readonly pauseMs: number; readonly refusal: OdometerError }
  | { readonly kind: 'unknown-checkpoint'; readonly refusal: OdometerError };

/**
 * Asks for one page, and once more with another token when the one that is known is refused.
 *
 * @param checkpoint after what it begins; undefined: where the log itself begins.
 * @throws OdometerError `target_…`
 */
export async function fetchPage(
  log: PulledLogDeclaration,
  checkpoint: string | undefined,
  tokens: BearerTokens,
  signal: AbortSignal,
): Promise<FetchedPage> {
  const target = pulledLogTarget(log.name);
  const url = pageUrl(log, checkpoint);
  const ask = async (): Promise<HttpAnswer> => {
    const token = await tokens.get(target, log.authorization, signal);
    const headers = { Authorization: `Bearer ${token}` };
    return askOnce(target, { url, headers, maxBytes: MAX_PAGE_BYTES }, signal);
  };
  let answer = await ask();
  if (answer.status === 401 && tokens.forget(log.authorization)) answer = await ask();
  const { status, headers } = answer;
  if (status === 200) return { ...page(log, url, answer), pauseMs: pauseAfter(headers, false) };
  const refusal = refusalOf(target, answer);
  if (status === 429) return { kind: 'throttled', pauseMs: pauseAfter(headers, true), refusal };
  if (checkpoint !== undefined && UNKNOWN_CHECKPOINT.includes(status)) {
    return { kind: 'unknown-checkpoint', refusal };
  }
  throw refusal;
}

/** What a pulled log is called in messages. */
export function pulledLogTarget(name: string): string {
  return `pulled log ${name}`;
}

function pageUrl(log: PulledLogDeclaration, checkpoint: string | undefined): URL {
  const url = new URL(log.url);
  for (const [name, value] of Object.entries(log.query)) url.searchParams.set(name, value);
  if (log.pageSize !== undefined) {
    url.searchParams.set(log.pageSize.parameter, String(log.pageSize.count));
  }
  if (checkpoint !== undefined) url.searchParams.set(log.checkpoint.parameter, checkpoint);
  return url;
}

function page(log: PulledLogDeclaration, url: URL, { headers, body }: HttpAnswer) {
  const parsed = parseJson(body);
  const read =
    parsed instanceof Refusal
      ? 'it is no JSON'
      : readPage(log, parsed.value, headers.get('link'), url);
  if (typeof read === 'string') {
    const params = { target: pulledLogTarget(log.name), reason: `a page is not one: ${read}` };
    throw new OdometerError('target_invalid', params);
  }
  return { kind: 'page', ...read, digest: hash('sha256', body) } as const;
}

function pauseAfter(headers: Headers, isRefused: boolean): number {
  return wantedPauseMs(headers, isRefused, Date.now());
}
