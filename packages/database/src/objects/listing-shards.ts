import type { Queryable, Transaction } from '../pool.ts';

/**
 * A listing is read in parts that together cover all keys there can be, whatever the keys are: the first from the beginning,
 * each of the others from where the one before ends, the last to the end.
 */
export interface OpenShard {
  readonly shard: number;
  /** Where it goes on: after this key; null: at the beginning. */
  readonly after: string | null;
  /** Up to this key, inclusive; null: to the end. */
  readonly until: string | null;
  /** Pages read so far. */
  readonly pages: number;
}

/** Cuts the keys at `boundaries`, which are distinct and in the order of their bytes. */
export async function createShards(
  transaction: Transaction,
  measurementId: string,
  boundaries: readonly string[],
): Promise<void> {
  const after = [null, ...boundaries];
  const until = [...boundaries, null];
  await transaction.query(
    `insert into listing_shards (measurement_id, shard, after_key, until_key, at_key)
     select $1, ordinal, after_key, until_key, after_key
     from unnest($2::text[], $3::text[]) with ordinality as s (after_key, until_key, ordinal)`,
    [measurementId, after, until],
  );
}

/** Those that are not done, in the order of their keys. */
export async function openShards(
  db: Queryable,
  measurementId: string,
): Promise<readonly OpenShard[]> {
  const { rows } = await db.query<OpenShard>(
    `select shard, at_key as after, until_key as until, pages
     from listing_shards where measurement_id = $1 and not done
     order by after_key nulls first`,
    [measurementId],
  );
  return rows;
}

/** Notes how far a shard is. @param through null: it is done. */
export async function moveShard(
  transaction: Transaction,
  measurementId: string,
  { shard, through, pages }: { shard: number; through: string | null; pages: number },
): Promise<void> {
  await transaction.query(
    `update listing_shards set at_key = coalesce($3, at_key), done = $3::text is null, pages = $4
     where measurement_id = $1 and shard = $2`,
    [measurementId, shard, through, pages],
  );
}

/**
 * Ends a shard that has become long where it is, and makes a new one of what is left: so the shards of a complete listing
 * are about equally long, and the next listing is cut as they are.
 */
export async function splitShard(
  transaction: Transaction,
  measurementId: string,
  { shard, through, pages }: { shard: number; through: string; pages: number },
): Promise<OpenShard> {
  const { rows } = await transaction.query<OpenShard>(
    `with ended as (
       update listing_shards s set until_key = $3, at_key = $3, done = true, pages = $4
       from listing_shards before
       where s.measurement_id = $1 and s.shard = $2 and before.measurement_id = $1 and before.shard = $2
       returning before.until_key
     )
     insert into listing_shards (measurement_id, shard, after_key, until_key, at_key)
     select $1, (select max(shard) + 1 from listing_shards where measurement_id = $1), $3, until_key, $3 from ended
     returning shard, at_key as after, until_key as until, pages`,
    [measurementId, shard, through, pages],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`listing ${measurementId} has no shard ${shard}`);
  return row;
}

/** The shards of the bucket's last complete listing, in the order of their keys; none when there was none. */
export async function shardsOfLastListing(
  db: Queryable,
  bucket: string,
): Promise<readonly Pick<OpenShard, 'until' | 'pages'>[]> {
  const { rows } = await db.query<Pick<OpenShard, 'until' | 'pages'>>(
    `select until_key as until, pages from listing_shards
     where measurement_id = (
       select id from whole_measurements where kind = 'bucket' and target = $1 and state = 'complete' order by id desc limit 1
     )
     order by until_key nulls last`,
    [bucket],
  );
  return rows;
}

/**
 * Forgets some of what listings of the bucket have left behind, those of which nothing is gone on with: what they noted as
 * vanished, which may be all of a bucket, a part at a time; then their sums and shards. The shards of the last complete
 * one stay: the next one is cut as they are.
 *
 * @param measurementId the newest of these listings. It is to begin, or to begin anew.
 * @returns whether there is more to forget.
 */
export async function forgetListings(
  transaction: Transaction,
  bucket: string,
  measurementId: string,
  limit: number,
): Promise<boolean> {
  const listings = `select id from measurements where kind = 'bucket' and target = $1 and id <= $2`;
  const { rowCount } = await transaction.query(
    `delete from vanished_objects where ctid = any (array(
       select ctid from vanished_objects where measurement_id in (${listings}) limit $3
     ))`,
    [bucket, measurementId, limit],
  );
  if (rowCount === limit) return true;
  await transaction.query(`delete from listing_sums where measurement_id in (${listings})`, [
    bucket,
    measurementId,
  ]);
  await transaction.query(
    `delete from listing_shards where measurement_id in (${listings})
       and measurement_id is distinct from (
         select id from whole_measurements where kind = 'bucket' and target = $1 and state = 'complete' order by id desc limit 1
       )`,
    [bucket, measurementId],
  );
  return false;
}
