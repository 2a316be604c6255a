import type { BucketDeclaration } from '@odometer/domain/objects/bucket-declaration';
import type { Queryable, Transaction } from '../pool.ts';

/** A declared bucket as stored; whoever reads the declaration parses it with the domain's schema. */
export interface StoredBucket {
  readonly id: number;
  readonly name: string;
  readonly declaration: unknown;
  /** Rises when what its keys mean is changed. */
  readonly mappingVersion: number;
  /** Byte-hours are counted from here. */
  readonly declaredAt: Date;
}

/** All declared buckets, by name; those that are retired are declared no more. */
export async function listBuckets(db: Queryable): Promise<readonly StoredBucket[]> {
  const { rows } = await db.query<StoredBucket>(
    'select id, name, declaration, mapping_version as "mappingVersion", declared_at as "declaredAt" from buckets where retired_at is null order by name',
  );
  return rows;
}

export async function findBucket(db: Queryable, name: string): Promise<StoredBucket | undefined> {
  const { rows } = await db.query<StoredBucket>(
    'select id, name, declaration, mapping_version as "mappingVersion", declared_at as "declaredAt" from buckets where name = $1 and retired_at is null',
    [name],
  );
  return rows[0];
}

/**
 * Creates or replaces a declaration; one that is retired, and empty, begins as if there had never been one. Demands the catalogue's lock and raises no version itself.
 *
 * Counted from now, and not from when the transaction began, which may have waited while the same bucket was retired.
 *
 * @returns the bucket's id, and whether what its keys mean has changed: its objects are then to be mapped again.
 */
export async function putBucket(
  transaction: Transaction,
  declaration: BucketDeclaration,
): Promise<{ readonly id: number; readonly isRemapped: boolean }> {
  const { name, bucket, region, account, endpoint, notifications } = declaration;
  const before = await findBucket(transaction, name);
  const { rows } = await transaction.query<{ id: number; mapping_version: number }>(
    `insert into buckets as b (name, bucket, region, account, endpoint, declaration, sequencer_form, declared_at)
     values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
     on conflict (name) do update
     set bucket = excluded.bucket, region = excluded.region, account = excluded.account,
       endpoint = excluded.endpoint, declaration = excluded.declaration, updated_at = now(),
       sequencer_form = coalesce(excluded.sequencer_form, case when b.retired_at is null then b.sequencer_form end),
       retired_at = null, emptied_at = null,
       declared_at = case when b.retired_at is null then b.declared_at else clock_timestamp() end,
       mapping_version = b.mapping_version + case
         when (b.declaration -> 'keys', b.declaration -> 'types', b.declaration -> 'organization', b.declaration -> 'project')
           is distinct from
           (excluded.declaration -> 'keys', excluded.declaration -> 'types', excluded.declaration -> 'organization', excluded.declaration -> 'project')
         then 1 else 0 end
     returning id, mapping_version`,
    [
      name,
      bucket,
      region,
      account ?? null,
      endpoint ?? null,
      JSON.stringify(declaration),
      notifications.kind === 'none' ? null : notifications.form,
    ],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('insert into buckets returned no row');
  const isRemapped = before !== undefined && before.mappingVersion !== row.mapping_version;
  return { id: row.id, isRemapped };
}

/** Buckets whose objects are not all mapped by what their keys mean now. */
export async function bucketsToMap(db: Queryable): Promise<readonly StoredBucket[]> {
  const { rows } = await db.query<StoredBucket>(
    `select id, name, declaration, mapping_version as "mappingVersion", declared_at as "declaredAt" from buckets
     where mapped_version < mapping_version and retired_at is null order by id`,
  );
  return rows;
}

/** Notes that all objects of a bucket are mapped by a version of what its keys mean. */
export async function markMapped(
  db: Queryable,
  bucketId: number,
  mappingVersion: number,
): Promise<void> {
  await db.query('update buckets set mapped_version = greatest(mapped_version, $2) where id = $1', [
    bucketId,
    mappingVersion,
  ]);
}

/** What a bucket's ledger holds, as far as it restricts what may be declared anew. */
export interface BucketContents {
  /** Any row, tombstones too; or, when it has none, what its last listing said. */
  readonly hasObjects: boolean;
  /** Any row that a notification has ordered. */
  readonly hasSequencers: boolean;
  /** Of the notifications that it was declared to send last, whatever it is declared to send now. */
  readonly sequencerForm: string | null;
}

export async function bucketContents(db: Queryable, name: string): Promise<BucketContents> {
  const { rows } = await db.query<BucketContents>(
    `select exists (select from stored_objects o where o.bucket_id = b.id)
         or exists (select from storage_levels l where l.bucket_id = b.id and l.objects <> 0) as "hasObjects",
       exists (select from stored_objects o where o.bucket_id = b.id and o.sequencer <> '') as "hasSequencers",
       b.sequencer_form as "sequencerForm"
     from buckets b where b.name = $1`,
    [name],
  );
  return rows[0] ?? { hasObjects: false, hasSequencers: false, sequencerForm: null };
}
