import type { Queryable, Transaction } from '../pool.ts';

/** A manifest that a measurement found in a repository, once for each of its owners; '' is nobody. */
export interface MeasuredImage {
  readonly digest: string;
  readonly organization: string;
  readonly project: string;
  readonly isImage: boolean;
  readonly providerBytes: number | null;
  readonly opaqueBytes: number | null;
}

/** Rows a statement; more would only make larger texts. */
const ROWS = 5_000;

/** Keeps what was found in one repository, which is measured once. */
export async function keepMeasuredImages(
  transaction: Transaction,
  measurement: string,
  repository: string,
  images: readonly MeasuredImage[],
): Promise<void> {
  for (let from = 0; from < images.length; from += ROWS) {
    await transaction.query(
      `insert into measured_images
         (measurement_id, repository, digest, organization, project, is_image, provider_bytes, opaque_bytes)
       select $1, $2, digest, organization, project, "isImage", "providerBytes", "opaqueBytes"
       from jsonb_to_recordset($3) as i
         (digest text, organization text, project text, "isImage" boolean, "providerBytes" bigint, "opaqueBytes" bigint)`,
      [measurement, repository, JSON.stringify(images.slice(from, from + ROWS))],
    );
  }
}

/** Removes what was found by all measurements of a registry, those that never ended included. */
export async function removeMeasuredImages(db: Queryable, registry: string): Promise<void> {
  await db.query(
    `delete from measured_images i using measurements m
     where m.id = i.measurement_id and m.kind = 'registry' and m.target = $1`,
    [registry],
  );
}

/** Quantities are decimal text. */
export interface ImageSums {
  /** Distinct blobs and manifests. */
  readonly bytes: string;
  /** Null where the provider says nothing. */
  readonly providerBytes: string | null;
  readonly images: string;
}

export interface OwnedImageSums extends ImageSums {
  readonly organization: string;
  readonly project: string;
}

/** Each digest once for each group of `by`, which is a list of columns. */
function distinctBytes(by: string): string {
  return `select ${by} sum(bytes) as bytes from (
      select ${by} digest, max(bytes) as bytes from (
        select ${by} m.digest, m.size_bytes as bytes from found join manifests m using (digest)
        union all
        select ${by} b.digest, b.size_bytes
        from found join manifests m using (digest)
        cross join lateral unnest(m.blobs, m.blob_sizes) as b (digest, size_bytes)
        union all
        select ${by} digest, opaque_bytes from found where opaque_bytes is not null
      ) parts group by ${by} digest
    ) blobs`;
}

/** What a measurement found, by owner; nobody's is '' and ''. */
export async function sumByOwner(
  db: Queryable,
  measurement: string,
): Promise<readonly OwnedImageSums[]> {
  const { rows } = await db.query<OwnedImageSums>(
    `with found as (
       select organization, project, digest, max(opaque_bytes) as opaque_bytes, bool_or(is_image) as is_image
       from measured_images where measurement_id = $1 group by organization, project, digest
     ), bytes as (
       ${distinctBytes('organization, project,')} group by organization, project
     ), images as (
       select organization, project, count(*) as images from found where is_image group by organization, project
     ), said as (
       select organization, project, sum(provider_bytes) as bytes
       from measured_images where measurement_id = $1 group by organization, project
     )
     select organization, project, coalesce(bytes.bytes, 0)::text as bytes, said.bytes::text as "providerBytes",
       coalesce(images.images, 0)::text as images
     from said
     left join bytes using (organization, project)
     left join images using (organization, project)
     order by organization, project`,
    [measurement],
  );
  return rows;
}

/** What a measurement found, each digest once, whosever it is. */
export async function sumAll(db: Queryable, measurement: string): Promise<ImageSums> {
  const { rows } = await db.query<ImageSums>(
    `with found as (
       select digest, max(opaque_bytes) as opaque_bytes, bool_or(is_image) as is_image
       from measured_images where measurement_id = $1 group by digest
     )
     select coalesce((${distinctBytes('')}), 0)::text as bytes,
       (select sum(provider_bytes)::text from (
         select distinct repository, digest, provider_bytes from measured_images where measurement_id = $1
       ) said) as "providerBytes",
       (select count(*)::text from found where is_image) as images`,
    [measurement],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('the sums of a measurement gave no row');
  return row;
}
