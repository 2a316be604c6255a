import type { Queryable } from '@odometer/database/pool';
import { type BegunPull, checkpointBefore } from '@odometer/database/pulled-logs/pull-progress';
import { durationMs } from '@odometer/domain/posthoc/duration';
import { checkpointAt } from '@odometer/domain/pulled-logs/checkpoint-template';
import type { PulledLogDeclaration } from '@odometer/domain/pulled-logs/pulled-log-declaration';

type Progress = Pick<BegunPull, 'readAt' | 'now'>;

/**
 * After what a reading begins: where the one before it has stopped; after one that came to the log's end, where the log was read
 * to `overlap` ago. That is a checkpoint which was stored then, and none that is made of a time: of a log that was quiet since,
 * it would be later than what is stored, and skip what appears in between.
 *
 * @returns undefined: where the log itself begins.
 */
export async function firstCheckpoint(
  db: Queryable,
  log: PulledLogDeclaration,
  { checkpoint, caughtUp, now }: Pick<BegunPull, 'checkpoint' | 'caughtUp' | 'now'>,
): Promise<string | undefined> {
  const overlapMs = durationMs(log.overlap);
  if (checkpoint !== null && caughtUp && overlapMs > 0) {
    const earlier = await checkpointBefore(db, log.name, new Date(now.getTime() - overlapMs));
    if (earlier !== undefined) return earlier ?? undefined;
  }
  return checkpoint ?? startBefore(log, now, log.lookBack);
}

/**
 * After what to go on when the log does not know the checkpoint any more: all that it may still have. What was read already
 * counts once.
 *
 * @returns undefined: where the log itself begins.
 */
export function checkpointAfterLoss(
  log: PulledLogDeclaration,
  { now }: Pick<Progress, 'now'>,
): string | undefined {
  return startBefore(log, now, log.retention ?? log.lookBack);
}

function startBefore(log: PulledLogDeclaration, now: Date, back: string): string | undefined {
  const { start } = log.checkpoint;
  return start === undefined ? undefined : checkpointAt(start, now.getTime() - durationMs(back));
}

/** How much of a log nobody can read any more; undefined: nothing is known to be missing. */
export interface KnownLoss {
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
}

/** What was lost when a checkpoint is not known any more. */
export function lossOfCheckpoint(log: PulledLogDeclaration, { readAt, now }: Progress): KnownLoss {
  const keptMs = now.getTime() - durationMs(log.retention ?? log.lookBack);
  const startedAtMs = readAt?.getTime() ?? null;
  return { startedAtMs, endedAtMs: Math.max(keptMs, startedAtMs ?? keptMs) };
}

/**
 * What was lost because nobody came for longer than the log keeps items. Many an API answers an old checkpoint with the
 * oldest item that it has, as if there had been none in between.
 */
export function lossByAge(
  log: PulledLogDeclaration,
  { readAt, now }: Progress,
): KnownLoss | undefined {
  if (log.retention === undefined || readAt === null) return undefined;
  const keptMs = now.getTime() - durationMs(log.retention);
  return keptMs <= readAt.getTime()
    ? undefined
    : { startedAtMs: readAt.getTime(), endedAtMs: keptMs };
}
