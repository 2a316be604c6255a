import type { EventEnvelope } from '@odometer/domain/event-envelope';
import type { WebhookDeclaration } from '@odometer/domain/webhook-declaration';
import { mapWebhookRecord, unwrapRecords } from '@odometer/domain/webhook-event';
import { Refusal, type RefusalCode } from './refusal.ts';
import { type EventBounds, validateEvent } from './validate-event.ts';

/** What became of somebody else's records. */
export interface SortedRecords {
  readonly events: readonly EventEnvelope[];
  /** Of records that should have become events; a reason without any is absent. */
  readonly rejected: Readonly<Partial<Record<RefusalCode, number>>>;
  readonly rejectedCount: number;
  /** Records that the declaration does not ask for. They are no items and in no books. */
  readonly ignored: number;
}

/**
 * Makes events of records, by the mapping of a webhook. The only place where that is done: a record has the same event,
 * and so counts once, whether it was delivered or pulled. Never throws.
 */
export function sortRecords(
  webhook: WebhookDeclaration,
  records: readonly unknown[],
  context: {
    readonly bounds: EventBounds;
    readonly defaultOrganization: string;
    readonly nowMs: number;
    /** Of records that are read later than they happen: one without a time would count when it is read. */
    readonly needsTime?: boolean;
  },
): SortedRecords {
  const { bounds, defaultOrganization, nowMs } = context;
  const events: EventEnvelope[] = [];
  const rejected: Partial<Record<RefusalCode, number>> = {};
  let ignored = 0;
  const requestContext = {
    organization: webhook.organization,
    defaultOrganization,
    nowMs,
    // Such records are few: look at every text, instead of at the bytes.
    mayHoldBadText: true,
    mayBeTooLarge: true,
  };
  for (const record of unwrapRecords(webhook, records)) {
    const mapped = mapWebhookRecord(webhook, record);
    if (mapped.kind === 'ignored') {
      ignored += 1;
      continue;
    }
    const event =
      mapped.kind === 'unmapped'
        ? new Refusal('unmapped', mapped.reason)
        : context.needsTime && mapped.event.time === undefined
          ? new Refusal('unmapped', 'the field of the time is missing')
          : validateEvent(mapped.event, bounds, requestContext);
    if (event instanceof Refusal) rejected[event.code] = (rejected[event.code] ?? 0) + 1;
    else events.push(event);
  }
  const rejectedCount = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  return { events, rejected, rejectedCount, ignored };
}
