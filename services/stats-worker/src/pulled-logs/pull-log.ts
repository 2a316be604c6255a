import { inTransaction, type Pool } from '@odometer/database/pool';
import {
  type BegunPull,
  beginPull,
  endPull,
  movePastPage,
  type PullEnd,
} from '@odometer/database/pulled-logs/pull-progress';
import { findPulledLog } from '@odometer/database/pulled-logs/pulled-logs';
import { isOdometerError } from '@odometer/domain/errors';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import {
  type PulledLogDeclaration,
  pulledLogDeclarationSchema,
} from '@odometer/domain/pulled-logs/pulled-log-declaration';
import type { WebhookDeclaration } from '@odometer/domain/webhook-declaration';
import { recordTimeMs } from '@odometer/domain/webhook-event';
import type { RefusalCode } from '@odometer/intake/refusal';
import { sortRecords } from '@odometer/intake/sort-records';
import type { EventBounds } from '@odometer/intake/validate-event';
import type { PullJob } from '@odometer/queues/catalogue';
import { isInfrastructureError } from '@odometer/queues/infrastructure-error';
import type { Logger } from '@odometer/service-kit/logging';
import type { BearerTokens } from './bearer-tokens.ts';
import type { PullCounts } from './pull-counts.ts';
import { type KnownLoss, lossByAge } from './pull-plan.ts';
import { type PageReader, readPages } from './read-pages.ts';
import { usableLog } from './usable-log.ts';

/** So that the database's clock, too, says that the time has come. */
const SLACK_MS = 1_000;

export interface PullParts {
  readonly pool: Pool;
  readonly tokens: BearerTokens;
  readonly counts: PullCounts;
  readonly bounds: EventBounds;
  readonly defaultOrganization: string;
  /** Resolves when all of them are durable in the events queue; those that were refused are in the books then. */
  readonly enqueue: (
    events: readonly EventEnvelope[],
    rejected: Readonly<Partial<Record<RefusalCode, number>>>,
  ) => Promise<void>;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/**
 * Reads a log from its checkpoint on. Of every page, first the events are made durable in the queue, and then the checkpoint
 * is moved: a worker that is killed in between leaves a page that is read again, whose events have the same ids.
 *
 * What is wrong with the log or its answers is noted and tried again with the next bell; only what we depend on ourselves
 * makes the job wait.
 *
 * @returns after how long the job should come again, before the next bell.
 */
export async function pullLog(
  parts: PullParts,
  job: PullJob,
  signal: AbortSignal,
): Promise<{ readonly afterMs: number } | undefined> {
  const { pool, counts, log } = parts;
  const { log: name, asked } = job;
  if (asked !== true && (await isPaused(pool, name))) return undefined;
  const begun = await inTransaction(pool, (transaction) => beginPull(transaction, name));
  if (begun === undefined) return undefined;
  const pull = { log: name, runId: begun.runId, version: begun.version };
  let end: PullEnd;
  let again: { readonly afterMs: number } | undefined;
  try {
    const { declaration, webhook } = await usableLog(pool, name, begun.declaration);
    const reader = pageReader(parts, declaration, webhook, begun, pull);
    const stop = await readPages({ ...parts, declaration, begun, reader, signal });
    // Not at once: whoever else waits for this worker has their turn in between.
    if (stop.kind === 'budget') again = { afterMs: SLACK_MS };
    // Whoever moved the checkpoint may have moved it back, to have something read again.
    if (stop.kind === 'overtaken') again = { afterMs: SLACK_MS };
    end =
      stop.kind === 'throttled'
        ? { state: 'throttled', delayMs: stop.pauseMs, detail: stop.reason }
        : { state: stop.kind === 'overtaken' ? 'overtaken' : 'done' };
    if (end.state === 'throttled') {
      again = { afterMs: end.delayMs + SLACK_MS };
      counts.throttled += 1;
      log.info({ event: 'pulled_log_throttled', log: name, delayMs: end.delayMs });
    }
  } catch (error) {
    if (signal.aborted || isInfrastructureError(error)) throw error;
    counts.failures += 1;
    log.error({ event: 'pulled_log_failed', log: name, error });
    const failure = isOdometerError(error) ? error.code : 'unexpected';
    const detail = error instanceof Error ? error.message : String(error);
    end = { state: 'failed', failure, detail };
  }
  await inTransaction(pool, (transaction) => endPull(transaction, pull, end));
  return again;
}

/** The bell may have asked before it was; and whoever reads much comes again and again. */
async function isPaused(pool: Pool, name: string): Promise<boolean> {
  const found = await findPulledLog(pool, name);
  return pulledLogDeclarationSchema.safeParse(found?.declaration).data?.paused === true;
}

/** Takes pages; `pull.version` is always that of the last one. */
function pageReader(
  parts: PullParts,
  declaration: PulledLogDeclaration,
  webhook: WebhookDeclaration,
  begun: BegunPull,
  pull: { readonly log: string; readonly runId: string; version: string },
): PageReader {
  const { pool, counts, log, bounds, defaultOrganization } = parts;
  let silentLoss = lossByAge(declaration, begun);
  return async ({ items, from, checkpoint, isEnd, askedAt, loss = silentLoss }) => {
    const nowMs = askedAt.getTime();
    const context = { bounds, defaultOrganization, nowMs, needsTime: true };
    const { events, rejected, rejectedCount, ignored } = sortRecords(webhook, items, context);
    await parts.enqueue(events, rejected);
    const version = await inTransaction(pool, (transaction) =>
      movePastPage(transaction, {
        ...pull,
        from: from ?? null,
        checkpoint: checkpoint ?? null,
        isEnd,
        askedAt,
        position: isEnd ? askedAt : newestOf(webhook, items, nowMs),
        items: items.length,
        events: events.length,
        ignored,
        refused: rejectedCount,
        gap: loss && gapOf(pull.log, loss),
      }),
    );
    if (version === undefined) return false;
    pull.version = version;
    silentLoss = undefined;
    counts.pages += 1;
    counts.items += items.length;
    counts.events += events.length;
    counts.refused += rejectedCount;
    if (rejectedCount > 0) {
      log.warn({ event: 'pulled_log_items_refused', log: pull.log, rejected });
    }
    if (loss !== undefined) {
      counts.lostCheckpoints += 1;
      log.error({ event: 'pulled_log_gap', log: pull.log, ...gapOf(pull.log, loss).detail });
    }
    return true;
  };
}

/** When the newest of the items happened. A clock of theirs that is ahead of ours says nothing of what is read. */
function newestOf(
  webhook: WebhookDeclaration,
  items: readonly unknown[],
  nowMs: number,
): Date | null {
  const times = items
    .map((item) => recordTimeMs(webhook, item) ?? Number.POSITIVE_INFINITY)
    .filter((ms) => ms <= nowMs);
  // Of as many as a page has, which may be more than a call takes arguments.
  const newestMs = times.reduce((newest, ms) => Math.max(newest, ms), Number.NEGATIVE_INFINITY);
  return times.length === 0 ? null : new Date(newestMs);
}

function gapOf(log: string, { startedAtMs, endedAtMs }: KnownLoss) {
  const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  const detail = { from: iso(startedAtMs), to: iso(endedAtMs) };
  return {
    source: `pulled-log/${log}`,
    epoch: null,
    reason: 'checkpoint_lost',
    startedAtMs,
    endedAtMs,
    detail,
  } as const;
}
