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
 * @throws OdometerError `notification_refused` when anything in it still is; all else is applied.
 */
export async function retryRefusedNotification(
  parts: ObjectParts,
  { buckets: names, text }: RefusedNotification,
): Promise<void> {
  const { pool, buckets, registry, counts } = parts;
  let refusals: readonly string[] = [];
  const onCommit = await retryConflicts(
    () =>
      inTransaction(pool, async (transaction) => {
        const declared = await buckets.forTransaction(transaction);
        const ofSource = [...declared.values()].filter(({ declaration: { name } }) =>
          names.includes(name),
        );
        const read = readChanges(text, ofSource);
        refusals = read.refusals;
        const { onCommit } = await applyChanges(transaction, read.changes, declared, registry);
        return onCommit;
      }),
    () => {
      counts.conflictRetries += 1;
    },
  );
  onCommit();
  const [first, ...others] = refusals;
  if (first === undefined) return;
  const reason = others.length === 0 ? first : `${first}; and ${others.length} records more`;
  throw new OdometerError('notification_refused', { reason });
}

/** Many records may have been refused for one reason and one of them for another: that one keeps none of them. */
function readChanges(
  text: string,
  buckets: readonly DeclaredBucket[],
): { readonly changes: readonly ObjectChange[]; readonly refusals: readonly string[] } {
  const changes: ObjectChange[] = [];
  const refusals: string[] = [];
  for (const record of decodeNotification(text)) {
    if (record.kind === 'ignored') continue;
    const found =
      record.kind === 'refused' ? record : findChange(buckets, record.change, Date.now());
    if (found.kind === 'change') changes.push(found.change);
    else refusals.push(found.detail);
  }
  return { changes, refusals };
}
