import type { IgnoredReason } from '@odometer/domain/objects/notifications/decoded-record';
import { IGNORED_REASONS, type SortedRecords } from './sort-records.ts';

export type SourceKind = 'sqs' | 'webhook' | 'mqtt';

/** What became of notifications, as plain integers that are read at scrape. What is accepted and refused is in the books. */
export class NotificationCounts {
  readonly notifications: Record<SourceKind, number> = { sqs: 0, webhook: 0, mqtt: 0 };
  readonly ignored = Object.fromEntries(IGNORED_REASONS.map((reason) => [reason, 0])) as Record<
    IgnoredReason,
    number
  >;
  undeclared = 0;

  /** Call when what there was to keep of a notification is durable. */
  addRecords({ ignored, undeclared }: SortedRecords): void {
    for (const reason of ignored) this.ignored[reason] += 1;
    this.undeclared += undeclared;
  }
}
