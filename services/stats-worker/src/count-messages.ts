import { messageUnits } from '@odometer/domain/mqtt-units';
import { hourStart } from '@odometer/domain/period';
import type { CountBatch, IdentifiedMessage, MessageCount } from '@odometer/queues/catalogue';

type MutableCount = { -readonly [Index in keyof MessageCount]: MessageCount[Index] };

/** Counts messages by the hour in which they arrived and by owner, as a counter's flush has them. */
export function countMessages(messages: Iterable<IdentifiedMessage>): CountBatch['hours'] {
  const hours = new Map<number, Map<string, MutableCount>>();
  for (const { organization, project, device, outbound, sizeBytes, atMs } of messages) {
    const hourMs = hourStart(atMs);
    const owners = hours.get(hourMs) ?? new Map<string, MutableCount>();
    hours.set(hourMs, owners);
    const owner = `${organization}/${project}/${device}`;
    const count = owners.get(owner) ?? [organization, project, device, 0, 0, 0, 0, 0, 0];
    owners.set(owner, count);
    if (outbound) {
      count[6] += 1;
      count[7] += sizeBytes;
      count[8] += messageUnits(sizeBytes);
    } else {
      count[3] += 1;
      count[4] += sizeBytes;
      count[5] += messageUnits(sizeBytes);
    }
  }
  return Array.from(hours, ([hourMs, owners]) => ({ hourMs, counts: [...owners.values()] }));
}
