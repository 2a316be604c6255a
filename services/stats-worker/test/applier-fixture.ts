import { createPool, type Pool } from '@odometer/database/pool';
import { openEpoch } from '@odometer/database/sources';
import type { EventEnvelope } from '@odometer/domain/event-envelope';
import { messageFingerprint } from '@odometer/domain/message-key';
import type { ObjectChange } from '@odometer/domain/objects/object-change';
import type {
  CountBatch,
  DeadEvent,
  EventBatch,
  IdentifiedMessage,
  MessageBatch,
  MessageCount,
  ObjectBatch,
} from '@odometer/queues/catalogue';
import { simulatePostgresClock } from '@odometer/testing/simulated-postgres-clock';
import { createTestDatabase } from '@odometer/testing/test-database';
import { CountApplier } from '../src/count-applier.ts';
import type { DiscoveryPolicy } from '../src/discover.ts';
import { EventApplier } from '../src/event-applier.ts';
import { forgetOnConnect } from '../src/forget-on-connect.ts';
import { MessageApplier } from '../src/message-applier.ts';
import { MeterCatalogue } from '../src/meter-catalogue.ts';
import { ApplyCounts } from '../src/metrics.ts';
import { MonthPartitions } from '../src/month-partitions.ts';
import { BucketCatalogue } from '../src/objects/bucket-catalogue.ts';
import { ObjectApplier } from '../src/objects/object-applier.ts';
import { UsageWriter } from '../src/periods/usage-writer.ts';
import { RegistryCache } from '../src/registry-cache.ts';
import { retryDeadEvent } from '../src/retry-dead-event.ts';

const AT = '2026-11-05T10:15:00.000Z';
const AT_MS = Date.parse(AT);
const HOUR_MS = Date.parse('2026-11-05T10:00:00.000Z');

const EVERYTHING: DiscoveryPolicy = {
  autoProvision: true,
  maxOrganizationsPerHour: 1_000,
  maxProjectsPerHour: 1_000,
  maxDevicesPerHour: 1_000,
};

/**
 * Appliers as one worker has them, on a database of their own.
 *
 * @param nowMs what Postgres' clock says. @default the real one
 */
export async function openAppliers(policy: Partial<DiscoveryPolicy> = {}, nowMs?: () => number) {
  const database = await createTestDatabase();
  const pool = createPool(
    { url: database.url, applicationName: 'test', maxConnections: 10 },
    () => {},
  );
  if (nowMs !== undefined) await simulatePostgresClock(pool, nowMs);
  const counts = new ApplyCounts();
  const worker = () => {
    const registry = new RegistryCache({ ...EVERYTHING, ...policy });
    const partitions = new MonthPartitions();
    const usage = new UsageWriter();
    forgetOnConnect(pool, [registry, partitions, usage]);
    const parts = { pool, counts, registry, partitions, usage };
    const catalogue = new MeterCatalogue();
    const buckets = new BucketCatalogue();
    return {
      parts: { ...parts, catalogue, buckets },
      objects: new ObjectApplier({ ...parts, buckets }),
      events: new EventApplier({ ...parts, catalogue }),
      counts: new CountApplier(parts),
      messages: new MessageApplier(parts),
      retry: (dead: DeadEvent) => retryDeadEvent({ ...parts, catalogue }, dead),
    };
  };
  return {
    url: database.url,
    pool,
    applyCounts: counts,
    /** Another worker: caches of its own. */
    worker,
    ...worker(),
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
}

/** A producer that numbers its batches, as ingest and counters do. */
export class Producer {
  readonly #pool: Pool;
  readonly #kind: 'events' | 'mqtt' | 'objects';
  #epoch = '';
  #seq = 0;
  #accepted = 0;

  constructor(pool: Pool, kind: 'events' | 'mqtt' | 'objects') {
    this.#pool = pool;
    this.#kind = kind;
  }

  get epoch(): string {
    return this.#epoch;
  }

  async open(): Promise<this> {
    this.#epoch = await openEpoch(this.#pool, {
      source: `${this.#kind}-test`,
      kind: this.#kind,
      instance: 'test',
    });
    return this;
  }

  events(...events: EventEnvelope[]): EventBatch {
    return { ...this.#header(events.length), events };
  }

  counts(
    counts: readonly MessageCount[],
    mark: number | null = null,
    hourMs = HOUR_MS,
  ): CountBatch {
    const messages = counts.reduce((sum, count) => sum + count[3] + count[6], 0);
    return { ...this.#header(messages), mark, messages, hours: [{ hourMs, counts }] };
  }

  messages(...messages: IdentifiedMessage[]): MessageBatch {
    return { ...this.#header(messages.length), origin: 'aws-iot', messages };
  }

  objects(...changes: ObjectChange[]): ObjectBatch {
    return { ...this.#header(changes.length), changes };
  }

  #header(items: number) {
    this.#seq += 1;
    this.#accepted += items;
    return {
      source: `${this.#kind}-test`,
      epoch: this.#epoch,
      seq: this.#seq,
      frozenAtMs: AT_MS,
      books: { received: this.#accepted, rejected: 0, accepted: this.#accepted },
    };
  }
}

let nextId = 0;

/** An event of acme/web with an id of its own. */
export function event(change: Partial<EventEnvelope> = {}): EventEnvelope {
  nextId += 1;
  return {
    organization: 'acme',
    project: 'web',
    id: `id-${nextId}`,
    source: 'test',
    type: 'api_calls',
    subject: 'acme/web',
    time: AT,
    data: { value: 1 },
    ingestedAtMs: AT_MS,
    ...change,
  };
}

/** An inbound message of acme/fleet's d1 with an id of its own. */
export function message(change: Partial<IdentifiedMessage> = {}): IdentifiedMessage {
  nextId += 1;
  const sizeBytes = change.sizeBytes ?? 100;
  return {
    organization: 'acme',
    project: 'fleet',
    device: 'd1',
    outbound: false,
    sizeBytes,
    id: `id-${nextId}`,
    fingerprint: messageFingerprint('acme/fleet/d1', sizeBytes),
    atMs: AT_MS,
    ...change,
  };
}

/** `meter → sum` over all of a project's hours, and asserts nothing about months. */
export async function hourlySums(pool: Pool): Promise<Record<string, string>> {
  return sums(pool, 'usage_hourly');
}

export async function monthlySums(pool: Pool): Promise<Record<string, string>> {
  return sums(pool, 'usage_monthly');
}

async function sums(pool: Pool, table: string): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ name: string; sum: string }>(
    `select o.slug || '/' || p.slug || ' ' || m.slug as name, sum(u.sum)::text as sum
     from ${table} u join projects p on p.id = u.project_id join organizations o on o.id = p.organization_id
     join meters m on m.id = u.meter_id group by 1 order by 1`,
  );
  return Object.fromEntries(rows.map(({ name, sum }) => [name, sum]));
}

/** The sum of the batches' outcomes that are not 0. */
export async function outcomes(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<Record<string, number>>(
    `select sum(items)::int as items, sum(counted)::int as counted, sum(duplicate)::int as duplicate,
       sum(conflicting)::int as conflicting, sum(invalid)::int as invalid, sum(unmetered)::int as unmetered,
       sum(unattributed)::int as unattributed, sum(dead)::int as dead
     from applied_batches`,
  );
  return Object.fromEntries(Object.entries(rows[0] ?? {}).filter(([, count]) => count !== 0));
}
