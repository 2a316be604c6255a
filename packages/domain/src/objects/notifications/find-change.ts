import type { BucketDeclaration } from '../bucket-declaration.ts';
import type { ObjectChange } from '../object-change.ts';
import { acceptChange, type UnacceptedReason } from './accept-change.ts';
import type { NotifiedChange } from './decoded-record.ts';

export type FoundChange =
  | { readonly kind: 'change'; readonly change: ObjectChange }
  | {
      readonly kind: 'refused';
      readonly reason: UnacceptedReason | 'ambiguous_bucket';
      readonly detail: string;
    }
  /** Nobody declared the bucket for where the notification came from. */
  | { readonly kind: 'undeclared'; readonly detail: string };

/**
 * What a notified change means to the one of a source's buckets that it names. Watchers and workers ask the same, so that what
 * one refuses is refused by the other, for the same reason. Never throws.
 *
 * @param buckets those that the source may speak for.
 */
export function findChange(
  buckets: readonly { readonly id: number; readonly declaration: BucketDeclaration }[],
  change: NotifiedChange,
  nowMs: number,
): FoundChange {
  const [bucket, another] = buckets.filter(
    ({ declaration }) => declaration.bucket === change.bucket,
  );
  if (bucket === undefined) {
    const detail = `no bucket that is declared for where it came from is called ${change.bucket}`;
    return { kind: 'undeclared', detail };
  }
  if (another !== undefined) {
    const detail = `several buckets of different stores are called ${change.bucket}`;
    return { kind: 'refused', reason: 'ambiguous_bucket', detail };
  }
  return acceptChange(bucket.id, bucket.declaration, change, nowMs);
}
