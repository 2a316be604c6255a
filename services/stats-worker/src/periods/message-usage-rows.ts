import type { MessageUsage } from '@odometer/database/message-usage';
import type { UsageRow } from '@odometer/database/usage';

/** Messages of a project and hour as a row per meter, in the order of the meters' ids (packages/domain/src/meters.ts). */
export function messageUsageRows(usage: MessageUsage): readonly UsageRow[] {
  const { projectId, organizationId, hour } = usage;
  const row = (meterId: number, quantity: number, messages: number): UsageRow => ({
    projectId,
    organizationId,
    meterId,
    hour,
    sum: String(quantity),
    count: messages,
    min: null,
    max: null,
    last: null,
    lastAt: null,
  });
  return [
    row(1, usage.inboundMessages, usage.inboundMessages),
    row(2, usage.inboundBytes, usage.inboundMessages),
    row(3, usage.inboundUnits, usage.inboundMessages),
    row(4, usage.outboundMessages, usage.outboundMessages),
    row(5, usage.outboundBytes, usage.outboundMessages),
    row(6, usage.outboundUnits, usage.outboundMessages),
  ].filter(({ count }) => count > 0);
}
