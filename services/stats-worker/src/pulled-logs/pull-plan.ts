import type { BegunPull } from '@odometer/database/pulled-logs/pull-progress';
import { durationMs } from '@odometer/domain/posthoc/duration';
import { checkpointAt } from '@odometer/domain/pulled-logs/checkpoint-template';
import type { PulledLogDeclaration } from '@odometer/domain/pulled-logs/pulled-log-declaration';

type Progress = Pick<BegunPull, 'checkpoint' | 'caughtUp' | 'readAt' | 'readUntil' | 'now'>;

/**
 * After what a reading begins: where the one before it has stopped; after one that came to the log's end, `overlap` before
 * that end; the very first, `lookBack` before now.
 *
 * @returns undefined: where the log itself begins.
 */
export function firstCheckpoint(log: PulledLogDeclaration, progress: Progress): string | undefined {
  const { checkpoint, caughtUp, readUntil, now } = progress;
  const { start } = log.checkpoint;
  if (checkpoint === null) {
    return start && checkpointAt(start, now.getTime() - durationMs(log.lookBack));
  }
  const overlapMs = durationMs(log.overlap);
  if (start === undefined || overlapMs === 0 || !caughtUp || readUntil === null) return checkpoint;
  return checkpointAt(start, readUntil.getTime() - overlapMs);
}

/**
 * After what to go on when the log does not know the checkpoint any more: all that it may still have.
 *
 * @returns undefined: where the log itself begins.
 */
export function checkpointAfterLoss(
  log: PulledLogDeclaration,
  { readAt, now }: Progress,
): string | undefined {
  const { start } = log.checkpoint;
  if (start === undefined) return undefined;
  const oldestMs = now.getTime() - durationMs(log.retention ?? log.lookBack);
  const lastMs = (readAt?.getTime() ?? 0) - durationMs(log.overlap);
  return checkpointAt(start, Math.max(oldestMs, lastMs));
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
