import { claimEventKeys } from '@odometer/database/event-keys';
import {
  type EventConflict,
  type EventRow,
  insertEventConflicts,
  insertEvents,
} from '@odometer/database/insert-events';
import type { Transaction } from '@odometer/database/pool';
import type { Scaled } from '@odometer/domain/decimal';
import { toTimestamp } from '@odometer/domain/period';
import type { Outcome } from './event-outcome.ts';
import { EventUsage } from './event-usage.ts';
import { measureEvent } from './measure-event.ts';
import type { MetersByType } from './meter-catalogue.ts';
import type { PreparedEvent } from './prepared-event.ts';
import type { RegistryCache } from './registry-cache.ts';

export interface AppliedEvents {
  /** What became of each event, in the order given. */
  readonly outcomes: readonly Outcome[];
  /** Remembers what is stored now; call it after the commit, never before. */
  readonly onCommit: () => void;
}

/**
 * Applies events of claimed batches inside the transaction that claimed them, in the lock order registry → keys → events
 * → usage. The first event with a key wins, in array order, within these events as against those applied before.
 */
export async function applyEvents(
  transaction: Transaction,
  events: readonly PreparedEvent[],
  meters: MetersByType,
  registry: RegistryCache,
): Promise<AppliedEvents> {
  const resolution = await registry.resolve(
    transaction,
    events.map(({ event }) => event),
  );
  const first = new Map<string, PreparedEvent>();
  for (const prepared of events) {
    if (!first.has(prepared.key)) first.set(prepared.key, prepared);
  }
  const today = toTimestamp(Date.now()).slice(0, 10);
  const taken = await claimEventKeys(transaction, [...first.values()], today);

  const outcomes: Outcome[] = [];
  const rows: EventRow[] = [];
  const conflicts: EventConflict[] = [];
  const usage = new EventUsage(resolution);
  for (const prepared of events) {
    const holder = taken.get(prepared.key) ?? first.get(prepared.key)?.fingerprint;
    const isOurs = first.get(prepared.key) === prepared && !taken.has(prepared.key);
    if (!isOurs) {
      const isSame = holder === prepared.fingerprint;
      if (!isSame) conflicts.push(conflictOf(prepared));
      outcomes.push(isSame ? 'duplicate' : 'conflicting');
      continue;
    }
    const measured = measure(prepared, meters);
    const { organization, project } = prepared.event;
    const owner = resolution.project(organization, project);
    for (const { meterId, quantity } of measured.quantities) {
      usage.add(prepared, owner, meterId, quantity);
    }
    rows.push({
      key: prepared.key,
      organizationId: owner?.organizationId ?? null,
      projectId: owner?.projectId ?? null,
      device: prepared.event.device ?? null,
      source: prepared.event.source,
      id: prepared.event.id,
      type: prepared.event.type,
      subject: prepared.event.subject,
      time: prepared.time,
      timeGiven: prepared.event.timeFilled !== true,
      data: prepared.event.data === undefined ? null : JSON.stringify(prepared.event.data),
      attributes:
        prepared.event.attributes === undefined ? null : JSON.stringify(prepared.event.attributes),
      ingestedAt: toTimestamp(prepared.event.ingestedAtMs),
      validationError: measured.error,
      unattributedTo: owner === undefined ? `${organization}/${project}` : null,
    });
    outcomes.push(outcomeOf(measured, owner !== undefined));
  }
  await insertEventConflicts(transaction, conflicts);
  await insertEvents(transaction, rows);
  await usage.write(transaction);
  return {
    outcomes,
    onCommit: () => {
      resolution.publish();
      usage.remember();
    },
  };
}

interface Measured {
  readonly metered: boolean;
  readonly quantities: readonly { readonly meterId: number; readonly quantity: Scaled }[];
  readonly error: string | null;
}

/** One event feeds every meter of its type; those that can make nothing of it say why. */
function measure({ event }: PreparedEvent, meters: MetersByType): Measured {
  const ofType = meters.get(event.type);
  if (ofType === undefined) return { metered: false, quantities: [], error: null };
  const quantities: { meterId: number; quantity: Scaled }[] = [];
  let error: string | null = null;
  for (const meter of ofType) {
    const quantity = measureEvent(event.data, meter);
    if (typeof quantity === 'string') error ??= quantity;
    else quantities.push({ meterId: meter.id, quantity });
  }
  return { metered: true, quantities, error };
}

/** An event whose owner is unknown is unattributed whatever it holds; one that no meter could use is invalid. */
function outcomeOf(measured: Measured, isOwned: boolean): Outcome {
  if (!isOwned) return 'unattributed';
  if (!measured.metered) return 'unmetered';
  return measured.quantities.length === 0 ? 'invalid' : 'counted';
}

function conflictOf({ key, fingerprint, event }: PreparedEvent): EventConflict {
  return {
    key,
    fingerprint,
    organization: event.organization,
    source: event.source,
    eventId: event.id,
    event: JSON.stringify(event),
  };
}
