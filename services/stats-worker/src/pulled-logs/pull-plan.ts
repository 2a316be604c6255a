import type { Queryable } from '@odometer/database/pool';
import { type BegunPull, checkpointBefore } from '@odometer/database/pulled-logs/pull-progress';
import { durationMs } from '@odometer/domain/posthoc/duration';
import { checkpointAt } from '@odometer/domain/pulled-logs/checkpoint-template';
import type { PulledLogDeclaration } from '@odometer/domain/pulled-logs/pulled-log-declaration';

type Progress = Pick<BegunPull, 'readAt' | 'positionAt' | 'declaredAt' | 'now'>;

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
  {
    checkpoint,
    caughtUp,
    declaredAt,
    now,
  }: Pick<BegunPull, 'checkpoint' | 'caughtUp' | 'declaredAt' | 'now'>,
): Promise<string | undefined> {
  const overlapMs = durationMs(log.overlap);
  if (checkpoint !== null && caughtUp && overlapMs > 0) {
    const earlier = await checkpointBefore(db, log.name, new Date(now.getTime() - overlapMs));
    if (earlier !== undefined) return earlier ?? undefined;
  }
  // As far back as was declared, however long there is no first page.
  const declaredOrNow = declaredAt < now ? declaredAt : now;
  return checkpoint ?? startBefore(log, declaredOrNow, log.lookBack);
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

function startBefore(log: PulledLogDeclaration, at: Date, back: string): string | undefined {
  const { start } = log.checkpoint;
  return start === undefined ? undefined : checkpointAt(start, at.getTime() - durationMs(back));
}

/** How much of a log nobody can read any more; undefined: nothing is known to be missing. */
export interface KnownLoss {
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
}

/**
 * What was lost when a checkpoint is not known any more. Of a log that was never read that is what has happened since it was
 * declared: nobody promised that it has all that it should look back for.
 */
export function lossOfCheckpoint(
  log: PulledLogDeclaration,
  { readAt, positionAt, declaredAt, now }: Progress,
): KnownLoss | undefined {
  const keptMs = now.getTime() - durationMs(log.retention ?? log.lookBack);
  if (readAt === null && keptMs <= declaredAt.getTime()) return undefined;
  const startedAtMs = (positionAt ?? readAt ?? declaredAt).getTime();
  return { startedAtMs, endedAtMs: Math.max(keptMs, startedAtMs) };
}

/**
 * What was lost because items grew too old before somebody came for them: nobody came at all, or reading was slower than what is
 * written. Many an API answers an old checkpoint with the oldest item that it has, as if there had been none in between.
 */
export function lossByAge(
  log: PulledLogDeclaration,
  { readAt, positionAt, declaredAt, now }: Progress,
): KnownLoss | undefined {
  if (log.retention === undefined) return undefined;
  const retentionMs = durationMs(log.retention);
  const readMs = (readAt ?? declaredAt).getTime();
  const positionMs = positionAt?.getTime() ?? readMs;
  // Who has answered items that are older than that keeps them for longer than it was said.
  const startedAtMs = readMs - positionMs <= retentionMs ? positionMs : readMs;
  const keptMs = now.getTime() - retentionMs;
  return keptMs <= startedAtMs ? undefined : { startedAtMs, endedAtMs: keptMs };
}
