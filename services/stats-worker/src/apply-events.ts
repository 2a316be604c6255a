import {
  type EventConflict,
  type EventRow,
  insertEventConflicts,
  insertEvents,
} from '@odometer/database/insert-events';
import {
  releaseUsedReservations,
  type UsedReservation,
} from '@odometer/database/limits/reservations';
import { type DeletedOwner, recordDeletedOwners } from '@odometer/database/objects/deleted-owners';
import type { Transaction } from '@odometer/database/pool';
import type { Scaled } from '@odometer/domain/decimal';
import { reservationOf } from '@odometer/domain/limits/reservation';
import { toTimestamp } from '@odometer/domain/period';
import { claimOnce } from './claim-once.ts';
import type { Outcome } from './event-outcome.ts';
import { EventUsage } from './event-usage.ts';
import { measureEvent } from './measure-event.ts';
import { type Catalogue, type Meter, metersOf } from './meter-catalogue.ts';
import { deletedOwner } from './objects/deleted-owner.ts';
import type { PeriodUsage } from './periods/usage-writer.ts';
import type { PreparedEvent } from './prepared-event.ts';
import type { RegistryCache, ResolvedProject } from './registry-cache.ts';

export interface AppliedEvents {
  /** What became of each event, in the order given. */
  readonly outcomes: readonly Outcome[];
  /** Remembers what is stored now; call it after the commit, never before. */
  readonly onCommit: () => void;
}

/**
 * Applies events of claimed batches inside the transaction that claimed them, in the lock order registry → keys → events
 * → usage → reservations. The first event with a key wins, in array order, within these events as against those applied before.
 */
export async function applyEvents(
  transaction: Transaction,
  events: readonly PreparedEvent[],
  catalogue: Catalogue,
  registry: RegistryCache,
  periods: PeriodUsage,
): Promise<AppliedEvents> {
  const resolution = await registry.resolve(
    transaction,
    events.map(({ event }) => event),
  );
  const claimed = await claimOnce(transaction, events);

  const outcomes: Outcome[] = [];
  const stored: StoredEvent[] = [];
  const conflicts: EventConflict[] = [];
  const reservations: UsedReservation[] = [];
  const deleted: DeletedOwner[] = [];
  const usage = new EventUsage(resolution);
  for (const prepared of events) {
    const claim = claimed(prepared);
    if (claim !== 'ours') {
      if (claim === 'conflicting') conflicts.push(conflictOf(prepared));
      outcomes.push(claim);
      continue;
    }
    const measured = measure(prepared, metersOf(catalogue, prepared.event));
    const { organization, project } = prepared.event;
    const owner = resolution.project(organization, project);
    for (const { meterId, quantity } of measured.quantities) {
      usage.add(prepared, owner, meterId, quantity);
    }
    const gone = owner && deletedOwner(prepared, owner);
    const isMalformed = typeof gone === 'string';
    if (gone !== undefined && !isMalformed) deleted.push(gone);
    stored.push({ prepared, owner, error: isMalformed ? gone : measured.error });
    const outcome =
      isMalformed && !measured.metered ? 'invalid' : outcomeOf(measured, owner !== undefined);
    outcomes.push(outcome);
    // Only what counts uses a reservation up: of a duplicate the first has, and what is invalid uses nothing.
    const reservation =
      outcome === 'counted' ? reservationOf(prepared.event.attributes) : undefined;
    if (reservation !== undefined) reservations.push({ organization, id: reservation });
  }
  await insertEventConflicts(transaction, conflicts);
  if (stored.length > 0) await insertEvents(transaction, rowsOf(stored), catalogue.version);
  await recordDeletedOwners(transaction, deleted);
  await usage.write(transaction, periods);
  await releaseUsedReservations(transaction, reservations);
  return {
    outcomes,
    onCommit: () => {
      resolution.publish();
      usage.remember();
    },
  };
}

interface StoredEvent {
  readonly prepared: PreparedEvent;
  readonly owner: ResolvedProject | undefined;
  /** Why no meter could use it. */
  readonly error: string | null;
}

function* rowsOf(stored: readonly StoredEvent[]): Generator<EventRow> {
  for (const { prepared, owner, error } of stored) {
    const { event, key, timeMs } = prepared;
    yield {
      key,
      organizationId: owner?.organizationId ?? null,
      projectId: owner?.projectId ?? null,
      device: event.device ?? null,
      source: event.source,
      id: event.id,
      type: event.type,
      subject: event.subject,
      time: toTimestamp(timeMs),
      timeGiven: event.timeFilled !== true,
      data: event.data === undefined ? null : JSON.stringify(event.data),
      attributes: event.attributes === undefined ? null : JSON.stringify(event.attributes),
      ingestedAt: toTimestamp(event.ingestedAtMs),
      validationError: error,
      isPosthoc: event.posthoc === true,
      unattributedTo: owner === undefined ? `${event.organization}/${event.project}` : null,
    };
  }
}

interface Measured {
  readonly metered: boolean;
  readonly quantities: readonly { readonly meterId: number; readonly quantity: Scaled }[];
  readonly error: string | null;
}

/** One event feeds every meter of its type; those that can make nothing of it say why. */
function measure({ event }: PreparedEvent, ofType: readonly Meter[] | undefined): Measured {
  if (ofType === undefined) return { metered: false, quantities: [], error: null };
  const quantities: { meterId: number; quantity: Scaled }[] = [];
  let error: string | null = null;
  for (const meter of ofType) {
    const quantity = measureEvent(event.data, meter, event.posthoc === true);
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
