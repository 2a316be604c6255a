import type { Transaction } from './pool.ts';

export interface EventRow {
  readonly key: string;
  readonly organizationId: string | null;
  readonly projectId: string | null;
  readonly device: string | null;
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly timeGiven: boolean;
  /** JSON text. */
  readonly data: string | null;
  readonly attributes: string | null;
  readonly ingestedAt: string;
  readonly validationError: string | null;
  readonly unattributedTo: string | null;
}

/** Stores accepted events. Their month's partition must exist. */
export async function insertEvents(
  transaction: Transaction,
  rows: readonly EventRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await transaction.query({
    name: 'insert-events',
    text: `insert into events (key, organization_id, project_id, device, source, id, type, subject, time, time_given,
       data, attributes, ingested_at, validation_error, unattributed_to)
     select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
       $8::text[], $9::timestamptz[], $10::boolean[], $11::jsonb[], $12::jsonb[], $13::timestamptz[], $14::text[],
       $15::text[])`,
    values: [
      rows.map((row) => row.key),
      rows.map((row) => row.organizationId),
      rows.map((row) => row.projectId),
      rows.map((row) => row.device),
      rows.map((row) => row.source),
      rows.map((row) => row.id),
      rows.map((row) => row.type),
      rows.map((row) => row.subject),
      rows.map((row) => row.time),
      rows.map((row) => row.timeGiven),
      rows.map((row) => row.data),
      rows.map((row) => row.attributes),
      rows.map((row) => row.ingestedAt),
      rows.map((row) => row.validationError),
      rows.map((row) => row.unattributedTo),
    ],
  });
}

export interface EventConflict {
  readonly key: string;
  readonly fingerprint: string;
  readonly organization: string;
  readonly source: string;
  readonly eventId: string;
  /** The whole event as JSON text. */
  readonly event: string;
}

/** Keeps events whose key another payload holds. The same conflict is kept once. */
export async function insertEventConflicts(
  transaction: Transaction,
  conflicts: readonly EventConflict[],
): Promise<void> {
  if (conflicts.length === 0) return;
  await transaction.query(
    `insert into event_conflicts (key, fingerprint, organization, source, event_id, event)
     select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
       as c (key, fingerprint, organization, source, event_id, event)
     order by key, fingerprint
     on conflict do nothing`,
    [
      conflicts.map((c) => c.key),
      conflicts.map((c) => c.fingerprint),
      conflicts.map((c) => c.organization),
      conflicts.map((c) => c.source),
      conflicts.map((c) => c.eventId),
      conflicts.map((c) => c.event),
    ],
  );
}
