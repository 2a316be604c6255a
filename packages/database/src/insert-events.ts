import { copyField, copyRows } from './copy-rows.ts';
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
  /** Made by a post-hoc metric, and not by a client. */
  readonly isPosthoc: boolean;
}

/**
 * Stores accepted events. Their month's partition must exist.
 *
 * @param catalogueVersion of the meters they were counted by: a meter that is created later counts them back.
 * @param rows made while they are written: thousands of them at once would be as much work for the garbage collector.
 */
export async function insertEvents(
  transaction: Transaction,
  rows: Iterable<EventRow>,
  catalogueVersion: string,
): Promise<void> {
  await copyRows(
    transaction,
    `copy events (key, organization_id, project_id, device, source, id, type, subject, time, time_given, data, attributes,
       ingested_at, validation_error, unattributed_to, posthoc, catalogue_version) from stdin`,
    copyPieces(rows, catalogueVersion),
  );
}

/** Text that is put together out of small parts is expensive to keep: pieces of this length are passed on at once. */
const PIECE_LENGTH = 65_536;

function* copyPieces(rows: Iterable<EventRow>, catalogueVersion: string): Generator<string> {
  const lineEnd = `\t${catalogueVersion}\n`;
  let text = '';
  for (const row of rows) {
    text += `${row.key}\t${row.organizationId ?? '\\N'}\t${row.projectId ?? '\\N'}\t${copyField(row.device)}\t${copyField(row.source)}\t${copyField(row.id)}\t${copyField(row.type)}\t${copyField(row.subject)}\t${row.time}\t${row.timeGiven}\t${copyField(row.data)}\t${copyField(row.attributes)}\t${row.ingestedAt}\t${copyField(row.validationError)}\t${copyField(row.unattributedTo)}\t${row.isPosthoc}${lineEnd}`;
    if (text.length < PIECE_LENGTH) continue;
    yield text;
    text = '';
  }
  yield text;
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
