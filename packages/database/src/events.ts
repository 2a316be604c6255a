import type { Queryable } from './pool.ts';

export interface EventFilter {
  /** Slug of the only organization whose events may be seen; null: all. */
  readonly organization: string | null;
  /** Event time, half-open. */
  readonly from: Date;
  readonly to: Date;
  /** Time of receipt, half-open. */
  readonly ingestedFrom?: Date | undefined;
  readonly ingestedTo?: Date | undefined;
  readonly id?: string | undefined;
  readonly subject?: string | undefined;
  readonly limit: number;
}

export interface StoredEvent {
  readonly time: Date;
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly data: unknown;
  readonly attributes: Readonly<Record<string, unknown>> | null;
  readonly ingestedAt: Date;
  readonly storedAt: Date;
  readonly validationError: string | null;
}

/**
 * Events as they were stored, newest first. Reads the partitions of the time range only; whoever calls it bounds the
 * statement's time, because a rare id in a wide range has no index.
 */
export async function listEvents(
  db: Queryable,
  filter: EventFilter,
): Promise<readonly StoredEvent[]> {
  const { rows } = await db.query<StoredEvent>(
    `select time, source, id, type, subject, data, attributes,
            ingested_at as "ingestedAt", stored_at as "storedAt", validation_error as "validationError"
     from events
     where time >= $1 and time < $2
       and ($3::text is null
            or organization_id = (select o.id from organizations o where o.slug = $3)
            or starts_with(unattributed_to, $3 || '/'))
       and ($4::timestamptz is null or ingested_at >= $4)
       and ($5::timestamptz is null or ingested_at < $5)
       and ($6::text is null or id = $6)
       and ($7::text is null or subject = $7)
     order by time desc, ingested_at desc
     limit $8`,
    [
      filter.from,
      filter.to,
      filter.organization,
      filter.ingestedFrom ?? null,
      filter.ingestedTo ?? null,
      filter.id ?? null,
      filter.subject ?? null,
      filter.limit,
    ],
  );
  return rows;
}
