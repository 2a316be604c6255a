import type { Pool } from '@odometer/database/pool';
import type { BegunPull } from '@odometer/database/pulled-logs/pull-progress';
import { OdometerError } from '@odometer/domain/errors';
import type { PulledLogDeclaration } from '@odometer/domain/pulled-logs/pulled-log-declaration';
import { pause } from '@odometer/queues/pause';
import type { BearerTokens } from './bearer-tokens.ts';
import { fetchPage, pulledLogTarget } from './fetch-page.ts';
import {
  checkpointAfterLoss,
  firstCheckpoint,
  type KnownLoss,
  lossOfCheckpoint,
} from './pull-plan.ts';

/** Of a job: it shares its worker with queries of post-hoc metrics, and the next one goes on. */
const MAX_PAGES = 200;
const BUDGET_MS = 60_000;
/** A log that wants to be left alone for longer is left to the next bell. */
const LONGEST_PAUSE_MS = 10_000;

export interface TakenPage {
  readonly items: readonly unknown[];
  /** After what it was asked for; undefined: where the log itself begins. */
  readonly from: string | undefined;
  /** After it; undefined: it names none. */
  readonly checkpoint: string | undefined;
  readonly isEnd: boolean;
  readonly askedAt: Date;
  /** What is known to be missing before it. */
  readonly loss?: KnownLoss;
}

/** Makes a page's events durable and moves the checkpoint past it. @returns false when somebody else has. */
export type PageReader = (page: TakenPage) => Promise<boolean>;

/** Why no more is read for now. */
export type Stop =
  | { readonly kind: 'end' | 'overtaken' | 'budget' }
  | { readonly kind: 'throttled'; readonly pauseMs: number; readonly reason: string };

/**
 * Reads page after page until the log's end, or the bounds of a job.
 *
 * @throws OdometerError `target_…`, with the checkpoint after the last page that was taken.
 */
export async function readPages(options: {
  readonly pool: Pool;
  readonly declaration: PulledLogDeclaration;
  readonly begun: BegunPull;
  readonly tokens: BearerTokens;
  readonly reader: PageReader;
  readonly signal: AbortSignal;
}): Promise<Stop> {
  const { declaration, begun, tokens, reader, signal } = options;
  const deadline = performance.now() + BUDGET_MS;
  let checkpoint = await firstCheckpoint(options.pool, declaration, begun);
  let lost: { readonly loss: KnownLoss | undefined; readonly refusal: OdometerError } | undefined;
  let lastDigest: string | undefined;
  const seen = new Set([checkpoint]);
  for (let pages = 0; ; pages += 1) {
    if (pages >= MAX_PAGES || performance.now() > deadline) return { kind: 'budget' };
    // The database's time, as it has gone on here: when the answer comes, more may be in the log.
    const askedAt = new Date(begun.now.getTime() + BUDGET_MS - (deadline - performance.now()));
    const page = await fetchPage(declaration, checkpoint, tokens, signal);
    signal.throwIfAborted();
    if (page.kind === 'unknown-checkpoint') {
      // That it is not known is believed when another one is: a wrong address, or too large a page, is answered the same.
      if (lost !== undefined) throw lost.refusal;
      lost = { loss: lossOfCheckpoint(declaration, begun), refusal: page.refusal };
      checkpoint = checkpointAfterLoss(declaration, begun);
      continue;
    }
    if (page.kind === 'throttled') {
      const stop = await waitFor(page.pauseMs, page.refusal.message, deadline, signal);
      if (stop !== undefined) return stop;
      continue;
    }
    const { items, next, digest, pauseMs } = page;
    const isEnd = items.length === 0 || next === undefined || next === checkpoint;
    if (!isEnd) {
      if (seen.has(next)) throw repeated(declaration, 'its pages lead back to one that was read');
      if (digest === lastDigest) throw repeated(declaration, 'it answers one page again and again');
      seen.add(next);
    }
    lastDigest = digest;
    const taken = { items, from: checkpoint, checkpoint: next, isEnd, askedAt };
    if (!(await reader(lost?.loss === undefined ? taken : { ...taken, loss: lost.loss }))) {
      return { kind: 'overtaken' };
    }
    signal.throwIfAborted();
    if (isEnd) return { kind: 'end' };
    checkpoint = next;
    lost = undefined;
    const stop = await waitFor(pauseMs, 'the rate limit is used up', deadline, signal);
    if (stop !== undefined) return stop;
  }
}

/** @returns why not, when it would be too long. */
async function waitFor(
  pauseMs: number,
  reason: string,
  deadline: number,
  signal: AbortSignal,
): Promise<Stop | undefined> {
  if (pauseMs > LONGEST_PAUSE_MS || performance.now() + pauseMs > deadline) {
    return { kind: 'throttled', pauseMs, reason };
  }
  if (pauseMs > 0) await pause(pauseMs, signal);
  signal.throwIfAborted();
  return undefined;
}

function repeated({ name }: PulledLogDeclaration, reason: string): OdometerError {
  return new OdometerError('target_invalid', { target: pulledLogTarget(name), reason });
}
