import type { BucketDeclaration } from '@odometer/domain/objects/bucket-declaration';
import type { Queryable, Transaction } from '../pool.ts';

/** A declared bucket as stored; whoever reads the declaration parses it with the domain's schema. */
export interface StoredBucket {
  readonly id: number;
  readonly name: string;
  readonly declaration: unknown;
  /** Rises when what its keys mean is changed. */
  readonly mappingVersion: number;
}

/** All declared buckets, by name. */
export async function listBuckets(db: Queryable): Promise<readonly StoredBucket[]> {
  const { rows } = await db.query<StoredBucket>(
    'select id, name, declaration, mapping_version as "mappingVersion" from buckets order by name',
  );
  return rows;
}

export async function findBucket(db: Queryable, name: string): Promise<StoredBucket | undefined> {
  const { rows } = await db.query<StoredBucket>(
    'select id, name, declaration, mapping_version as "mappingVersion" from buckets where name = $1',
    [name],
  );
  return rows[0];
}

/**
 * Creates or replaces a declaration. Demands the catalogue's lock and raises no version itself.
 *
 * @returns the bucket's id, and whether what its keys mean has changed: its objects are then to be mapped again.
 */
export async function putBucket(
  transaction: Transaction,
  declaration: BucketDeclaration,
): Promise<{ readonly id: number; readonly isRemapped: boolean }> {
  const { name, bucket, region, account, endpoint } = declaration;
  const before = await findBucket(transaction, name);
  const { rows } = await transaction.query<{ id: number; mapping_version: number }>(
    `insert into buckets as b (name, bucket, region, account, endpoint, declaration)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (name) do update
     set bucket = excluded.bucket, region = excluded.region, account = excluded.account,
       endpoint = excluded.endpoint, declaration = excluded.declaration, updated_at = now(),
       mapping_version = b.mapping_version + case
         when (b.declaration -> 'keys', b.declaration -> 'types', b.declaration -> 'organization', b.declaration -> 'project')
           is distinct from
           (excluded.declaration -> 'keys', excluded.declaration -> 'types', excluded.declaration -> 'organization', excluded.declaration -> 'project')
         then 1 else 0 end
     returning id, mapping_version`,
    [name, bucket, region, account ?? null, endpoint ?? null, JSON.stringify(declaration)],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('insert into buckets returned no row');
  const isRemapped = before !== undefined && before.mappingVersion !== row.mapping_version;
  return { id: row.id, isRemapped };
}
