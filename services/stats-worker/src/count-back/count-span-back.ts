import {
  type CountBackPosition,
  type EventToCountBack,
  lockMeterToCountBack,
  type MeterToCountBack,
  moveCountBack,
  positionAt,
  readEventsToCountBack,
} from '@odometer/database/meters/count-back';
import { closedFor } from '@odometer/database/periods/closed-months';
import { inTransaction, type Pool, type Transaction } from '@odometer/database/pool';
import { findOrganizations } from '@odometer/database/registry';
import { dayStart, hourStart } from '@odometer/domain/period';
import { EventUsage } from '../event-usage.ts';
import { measureEvent } from '../measure-event.ts';
import { readyMeter } from '../meter-catalogue.ts';
import type { UsageWriter } from '../periods/usage-writer.ts';
import { retryConflicts } from '../retry-conflicts.ts';
import { resolveDevices } from './resolve-devices.ts';
import type { SpanReading, TimeSpan } from './span.ts';

/** Counts the first events of a stretch, and moves the meter's position behind them. */
export async function countSpanBack(
  { pool, usage }: { readonly pool: Pool; readonly usage: UsageWriter },
  meter: MeterToCountBack,
  { monthMs, from, beforeMs }: TimeSpan,
  chunkEvents: number,
): Promise<SpanReading> {
  const startedMs = performance.now();
  // Outside the transaction: what is to be counted back never changes, but for names that find their project. Their usage
  // waits under the name then, and the sweep that attributes it finds it there.
  const found = await readEventsToCountBack(pool, meter, from, beforeMs, chunkEvents + 1);
  const durationMs = performance.now() - startedMs;
  const next: CountBackPosition = found[chunkEvents] ?? positionAt(beforeMs);
  const events = found.filter((event) => isBefore(event, next));

  const counted = await retryConflicts(
    () =>
      inTransaction(pool, async (transaction) => {
        const periods = await usage.begin(transaction, [monthMs]);
        const locked = await lockMeterToCountBack(transaction, meter.slug);
        // Somebody else has counted these, or the meter is another by now.
        if (locked === undefined || !isSamePlace(locked, meter)) return undefined;
        const open = await openEvents(transaction, monthMs, events);
        const sums = await measureEvents(transaction, meter, open);
        await sums.write(transaction, periods);
        await moveCountBack(transaction, meter.id, next);
        return sums;
      }),
    () => {},
  );
  counted?.remember();
  return {
    overfull: found.length > chunkEvents,
    sparse: found.length < chunkEvents / 2,
    durationMs,
  };
}

/** Those whose month is not closed for their organization. Call it under the month's lock. */
async function openEvents(
  transaction: Transaction,
  monthMs: number,
  events: readonly EventToCountBack[],
): Promise<readonly EventToCountBack[]> {
  if (events.length === 0) return events;
  const slugs = [...new Set(events.map(({ organization }) => organization))];
  const ids = await findOrganizations(transaction, slugs);
  const closed = await closedFor(transaction, monthMs, [...ids.values()]);
  return events.filter(({ organization }) => !closed.has(ids.get(organization) ?? ''));
}

async function measureEvents(
  transaction: Transaction,
  meter: MeterToCountBack,
  events: readonly EventToCountBack[],
): Promise<EventUsage> {
  const sums = new EventUsage(await resolveDevices(transaction, events));
  const ready = readyMeter(meter);
  if (ready === undefined) return sums;
  for (const counted of events) {
    const { timeMs, organization, project, device, organizationId, projectId } = counted;
    const data: unknown = counted.data === null ? undefined : JSON.parse(counted.data);
    const quantity = measureEvent(data, ready, counted.mayLower);
    if (typeof quantity === 'string') continue;
    const owner =
      organizationId === null || projectId === null ? undefined : { organizationId, projectId };
    const event = { organization, project, ...(device === null ? {} : { device }) };
    const occurrence = { event, timeMs, hourMs: hourStart(timeMs), dayMs: dayStart(timeMs) };
    sums.add(occurrence, owner, meter.id, quantity);
  }
  return sums;
}

/** As Postgres orders them: UUIDs in lower-case hex are in the order of their bytes. */
function isBefore(a: CountBackPosition, b: CountBackPosition): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.key < b.key);
}

function isSamePlace(a: MeterToCountBack, b: MeterToCountBack): boolean {
  return (
    a.id === b.id &&
    a.position?.timeMs === b.position?.timeMs &&
    a.position?.key === b.position?.key
  );
}
