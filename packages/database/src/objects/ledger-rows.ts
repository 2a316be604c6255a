import { toTimestamp } from '@odometer/domain/period';
import { textArray } from '../array-parameter.ts';
import type { Queryable, Transaction } from '../pool.ts';

/** What the ledger has of an object, for a listing to compare. */
export interface LedgerRow {
  /** A hash in a hashed ledger. */
  readonly key: string;
  readonly version: string;
  readonly live: boolean;
  /** Of a tombstone: what it was. */
  readonly sizeBytes: number;
  /** Removed by a listing alone: no notification has told that it is gone, so another listing may bring it back. */
  readonly isUntold: boolean;
  /**
   * Not changed since the instant that was asked about: nothing that is still under way can be meant by a difference. What
   * is of a time that is yet to come was changed by a wrong clock, and nobody knows when.
   */
  readonly isSettled: boolean;
}

/** What a page of a listing knows for sure, milliseconds. */
export interface ListingTimes {
  /** All that happened up to then. */
  readonly settledBeforeMs: number;
  /** As ListingKnowledge has it. */
  readonly credibleMs: number;
}

interface Row {
  readonly key: string;
  readonly version: string;
  readonly live: boolean;
  readonly size_bytes: string;
  readonly is_untold: boolean;
  readonly is_settled: boolean;
}

const FIELDS =
  'key, version, live, size_bytes, not live and listed_at is not null as is_untold, changed_at < $2 or changed_at > $3 as is_settled';

/**
 * Rows of a bucket with keys after `after` (null: from the first) and up to `until` (null: to the last), in the order of
 * their keys, at most `limit`.
 */
export async function readLedgerRange(
  db: Queryable,
  bucketId: number,
  range: { readonly after: string | null; readonly until: string | null },
  { settledBeforeMs, credibleMs }: ListingTimes,
  limit: number,
): Promise<readonly LedgerRow[]> {
  const { rows } = await db.query<Row>(
    `select ${FIELDS} from stored_objects
     where bucket_id = $1 and key > $4 ${range.until === null ? '' : 'and key <= $6'}
     order by key limit $5`,
    [
      bucketId,
      toTimestamp(settledBeforeMs),
      toTimestamp(credibleMs),
      // No key is empty.
      range.after ?? '',
      limit,
      ...(range.until === null ? [] : [range.until]),
    ],
  );
  return rows.map(ledgerRow);
}

/** Rows with the keys, each with all its versions. */
export async function readLedgerKeys(
  db: Queryable,
  bucketId: number,
  keys: readonly string[],
  { settledBeforeMs, credibleMs }: ListingTimes,
): Promise<readonly LedgerRow[]> {
  const { rows } = await db.query<Row>(
    `select ${FIELDS} from stored_objects where bucket_id = $1 and key = any($4::text[])`,
    [bucketId, toTimestamp(settledBeforeMs), toTimestamp(credibleMs), textArray(keys)],
  );
  return rows.map(ledgerRow);
}

function ledgerRow({ key, version, live, size_bytes, is_untold, is_settled }: Row): LedgerRow {
  return {
    key,
    version,
    live,
    sizeBytes: Number(size_bytes),
    isUntold: is_untold,
    isSettled: is_settled,
  };
}

/** Notes that a listing has seen objects of a hashed ledger, whose keys cannot be compared in order. Locks them sorted. */
export async function markSeen(
  transaction: Transaction,
  bucketId: number,
  measurementId: string,
  objects: readonly { readonly key: string; readonly version: string }[],
): Promise<void> {
  await transaction.query(
    `with seen as (
       select o.key, o.version from stored_objects o
       join unnest($3::text[], $4::text[]) as l (key, version)
         on o.key = l.key collate "C" and o.version = l.version collate "C"
       where o.bucket_id = $1
       order by o.key, o.version for update of o
     )
     update stored_objects o set seen_by = $2 from seen
     where o.bucket_id = $1 and o.key = seen.key and o.version = seen.version`,
    [
      bucketId,
      measurementId,
      textArray(objects.map(({ key }) => key)),
      textArray(objects.map(({ version }) => version)),
    ],
  );
}
