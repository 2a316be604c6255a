import type { MessageUsage } from '@odometer/database/message-usage';
import type { UnattributedUsage } from '@odometer/database/unattributed-usage';
import type { BatchId, BatchOutcome } from '@odometer/domain/batch';
import { wholeQuantity } from '@odometer/domain/decimal';
import { dayStart, toTimestamp } from '@odometer/domain/period';
import type { CountBatch, MessageCount } from '@odometer/queues/catalogue';
import type { DeviceActivity } from './device-activity.ts';
import { sumOutcomes } from './event-outcome.ts';
import type { Resolution } from './registry-cache.ts';
import { type UnregisteredOwner, UsageSums } from './usage-sums.ts';

/** The built-in meters' ids rise from here in the order of a MessageCount's figures (packages/domain/src/meters.ts). */
const FIRST_METER_ID = 1;
const INBOUND_METER_ID = FIRST_METER_ID;
const OUTBOUND_METER_ID = FIRST_METER_ID + 3;

/** Counts of one batch, by hour and owner. */
export type CountedBatch = Pick<
  CountBatch,
  'source' | 'epoch' | 'seq' | 'frozenAtMs' | 'messages' | 'hours'
>;

type MutableUsage = { -readonly [Column in keyof MessageUsage]: MessageUsage[Column] };

export interface MessageSums {
  readonly usage: readonly MessageUsage[];
  readonly unattributed: readonly UnattributedUsage[];
  /** Of those batches whose messages were not all counted. */
  readonly outcomes: readonly (BatchId & BatchOutcome)[];
}

/** Adds up flushes: one row per project and hour, whatever the number of flushes. Devices' shares go to `devices`. */
export function sumMessages(
  batches: readonly CountedBatch[],
  resolution: Resolution,
  devices: DeviceActivity,
): MessageSums {
  /** By hour and project's id. */
  const usage = new Map<number, Map<string, MutableUsage>>();
  const unattributed = new UsageSums<UnregisteredOwner>();
  const outcomes: (BatchId & BatchOutcome)[] = [];
  for (const batch of batches) {
    let unattributedMessages = 0;
    for (const { hourMs, counts } of batch.hours) {
      const dayMs = dayStart(hourMs);
      const hour = toTimestamp(hourMs);
      const projects = usage.get(hourMs) ?? new Map<string, MutableUsage>();
      usage.set(hourMs, projects);
      for (const count of counts) {
        const [organization, project, device] = count;
        const owner = resolution.project(organization, project);
        if (owner === undefined) {
          unattributedMessages += count[3] + count[6];
          addUnattributed(unattributed, count, batch.frozenAtMs, hourMs);
          continue;
        }
        const { projectId, organizationId } = owner;
        const sum = projects.get(projectId);
        if (sum === undefined)
          projects.set(projectId, newUsage(projectId, organizationId, hour, count));
        else addTo(sum, count);
        if (device === '') continue;
        const name = { organization, project, device };
        const addUse = (meterId: number, messages: number) => {
          const quantity = wholeQuantity(messages);
          devices.add(owner, name, meterId, batch.frozenAtMs, hourMs, dayMs, quantity, messages);
        };
        if (count[3] > 0) addUse(INBOUND_METER_ID, count[3]);
        if (count[6] > 0) addUse(OUTBOUND_METER_ID, count[6]);
      }
    }
    if (unattributedMessages > 0) {
      outcomes.push({
        source: batch.source,
        epoch: batch.epoch,
        seq: batch.seq,
        ...sumOutcomes([]),
        counted: batch.messages - unattributedMessages,
        unattributed: unattributedMessages,
      });
    }
  }
  return {
    usage: [...usage.values()].flatMap((projects) => [...projects.values()]),
    unattributed: unattributed.rows().map(withoutExtremes),
    outcomes,
  };
}

function newUsage(
  projectId: string,
  organizationId: string,
  hour: string,
  count: MessageCount,
): MutableUsage {
  return {
    projectId,
    organizationId,
    hour,
    inboundMessages: count[3],
    inboundBytes: count[4],
    inboundUnits: count[5],
    outboundMessages: count[6],
    outboundBytes: count[7],
    outboundUnits: count[8],
  };
}

function addTo(sum: MutableUsage, count: MessageCount): void {
  sum.inboundMessages += count[3];
  sum.inboundBytes += count[4];
  sum.inboundUnits += count[5];
  sum.outboundMessages += count[6];
  sum.outboundBytes += count[7];
  sum.outboundUnits += count[8];
}

/** A row per meter for the project, and the device's share of the messages, which waits for the device as well. */
function addUnattributed(
  sums: UsageSums<UnregisteredOwner>,
  count: MessageCount,
  atMs: number,
  hourMs: number,
): void {
  const [organization, project, device, ...figures] = count;
  const add = (name: string, meterId: number, quantity: number, messages: number) => {
    if (messages === 0) return;
    const key = `${organization}/${project}/${name}`;
    const owner = { organization, project, device: name };
    sums.add(owner, key, meterId, atMs, hourMs, wholeQuantity(quantity), messages);
  };
  for (const [i, quantity] of figures.entries()) {
    const messages = i < 3 ? figures[0] : figures[3];
    add('', FIRST_METER_ID + i, quantity, messages);
  }
  if (device === '') return;
  add(device, INBOUND_METER_ID, figures[0], figures[0]);
  add(device, OUTBOUND_METER_ID, figures[3], figures[3]);
}

/** A flush is no reading: the least and the last of counted messages mean nothing. */
function withoutExtremes(row: UnattributedUsage): UnattributedUsage {
  return { ...row, min: null, max: null, last: null, lastAt: null };
}
