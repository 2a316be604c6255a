import { eventFingerprint, eventKey } from '@odometer/domain/event-envelope';
import pg from 'pg';
import { ORGANIZATION } from '../fleet.ts';
import { program, wallClockMs } from '../program.ts';
import { sampleEvent } from './sample-event.ts';

/** Writes the rows of events `from` ≤ i < `to`. */
export interface LoopCommand {
  readonly from: number;
  readonly to: number;
}

export interface LoopResult {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface LoopOptions {
  readonly databaseUrl: string;
  readonly events: number;
  readonly projects: number;
}

const ROWS_A_TRANSACTION = 2_000;

const INSERT_KEYS = `insert into event_keys (key, fingerprint, last_seen_on)
  select key, fingerprint, current_date from unnest($1::uuid[], $2::bigint[]) as k (key, fingerprint)
  on conflict do nothing`;

const INSERT_EVENTS = `insert into events (key, organization_id, project_id, source, id, type, subject, time, time_given,
    data, ingested_at)
  select key, organization_id, project_id, source, id, type, subject, time, true, data, ingested_at
  from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[], $9::jsonb[], $10::timestamptz[])
    as e (key, organization_id, project_id, source, id, type, subject, time, data, ingested_at)`;

interface Chunk {
  readonly keys: readonly unknown[][];
  readonly events: readonly unknown[][];
}

/**
 * The plain loop that Odometer's events are compared with: one process, one connection, the same rows into the same two
 * tables in transactions of 2,000, everything worked out before the clock starts. It takes no requests, keeps no queue,
 * adds nothing up, and what it is told twice it only skips.
 */
await program<LoopOptions, LoopCommand, LoopResult>(async ({ databaseUrl, events, projects }) => {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ organization_id: string; id: string; slug: string }>(
    `select p.organization_id, p.id, p.slug from projects p join organizations o on o.id = p.organization_id
     where o.slug = $1`,
    [ORGANIZATION],
  );
  const ids = new Map(rows.map((row) => [row.slug, row]));
  const nowMs = Date.now();
  const chunks: Chunk[] = [];
  for (let from = 0; from < events; from += ROWS_A_TRANSACTION) {
    const sample = Array.from({ length: Math.min(ROWS_A_TRANSACTION, events - from) }, (_, i) =>
      sampleEvent(from + i, projects, nowMs),
    );
    const keys = sample.map((event) => eventKey(event.organization, event.source, event.id));
    chunks.push({
      keys: [keys, sample.map(eventFingerprint)],
      events: [
        keys,
        sample.map(({ project }) => ids.get(project)?.organization_id),
        sample.map(({ project }) => ids.get(project)?.id),
        sample.map(({ source }) => source),
        sample.map(({ id }) => id),
        sample.map(({ type }) => type),
        sample.map(({ subject }) => subject),
        sample.map(({ time }) => time),
        sample.map(({ data }) => JSON.stringify(data)),
        sample.map(({ ingestedAtMs }) => new Date(ingestedAtMs).toISOString()),
      ],
    });
  }
  return async ({ from, to }) => {
    const startedAtMs = wallClockMs();
    for (const chunk of chunks.slice(from / ROWS_A_TRANSACTION, to / ROWS_A_TRANSACTION)) {
      await client.query('begin');
      await client.query({ name: 'keys', text: INSERT_KEYS, values: [...chunk.keys] });
      await client.query({ name: 'events', text: INSERT_EVENTS, values: [...chunk.events] });
      await client.query('commit');
    }
    return { startedAtMs, endedAtMs: wallClockMs() };
  };
});
