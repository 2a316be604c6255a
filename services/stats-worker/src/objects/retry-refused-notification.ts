import { inTransaction } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { decodeNotification } from '@odometer/domain/objects/notifications/decode-notification';
import { findChange } from '@odometer/domain/objects/notifications/find-change';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import type { RefusedNotification } from '@odometer/queues/catalogue';
import { retryConflicts } from '../retry-conflicts.ts';
import { applyChanges } from './apply-changes.ts';
import type { DeclaredBucket } from './bucket-catalogue.ts';
import type { ObjectParts } from './object-applier.ts';

/**
 * Reads a notification again that was refused when it came. The first time it fails just so, and is kept as a dead letter
 * with its reason; retried after the reason is gone (a declaration was mended, a new version understands it) it is applied. It
 * is in no batch: what it changes is told from what is there by the ledger's own rules, however often it is applied.
 *
 * @throws OdometerError `notification_refused` when anything in it still is.
 */
export async function retryRefusedNotification(
  parts: ObjectParts,
  { buckets: names, text }: RefusedNotification,
): Promise<void> {
  const { pool, buckets, registry, counts } = parts;
  const onCommit = await retryConflicts(
    () =>
      inTransaction(pool, async (transaction) => {
        const declared = await buckets.forTransaction(transaction);
        const ofSource = [...declared.values()].filter(({ declaration: { name } }) =>
          names.includes(name),
        );
        const applied = await applyChanges(
          transaction,
          readChanges(text, ofSource),
          declared,
          registry,
        );
        return applied.onCommit;
      }),
    () => {
      counts.conflictRetries += 1;
    },
  );
  onCommit();
}

function readChanges(text: string, buckets: readonly DeclaredBucket[]): readonly ObjectChange[] {
  return decodeNotification(text).flatMap((record) => {
    if (record.kind === 'ignored') return [];
    if (record.kind === 'refused') throw refused(record.detail);
    const found = findChange(buckets, record.change, Date.now());
    if (found.kind !== 'change') throw refused(found.detail);
    return [found.change];
  });
}

function refused(reason: string): OdometerError<'notification_refused'> {
  return new OdometerError('notification_refused', { reason });
}
