import type { Queryable } from '../pool.ts';

/** A manifest as kept: what lies in its registry because of it. */
export interface KeptManifest {
  readonly digest: string;
  readonly kind: 'image' | 'artifact' | 'index';
  readonly sizeBytes: number;
  readonly children: readonly string[];
  readonly subject?: string;
  readonly blobs: readonly { readonly digest: string; readonly sizeBytes: number }[];
}

/** What is to be known of a manifest to tell whose it is. */
export interface ManifestLinks {
  readonly digest: string;
  readonly kind: KeptManifest['kind'];
  readonly children: readonly string[];
  readonly subject: string | null;
}

/** Kept for this long after any registry had it. */
const KEPT = '90 days';
/** Rows of some kilobytes, so a moment of work each. */
const ROWS_A_STATEMENT = 1_000;
/** So that a measurement writes nothing as long as nothing changes. */
const SEEN_TO = '7 days';

/** Those that are known among some digests. Marks them as seen. */
export async function findManifests(
  db: Queryable,
  digests: readonly string[],
): Promise<readonly ManifestLinks[]> {
  await db.query(
    `update manifests set seen_on = current_date
     where digest in (
       select digest from manifests
       where digest = any($1::text[]) and seen_on < current_date - interval '${SEEN_TO}'
       order by digest for update
     )`,
    [digests],
  );
  const { rows } = await db.query<ManifestLinks>(
    'select digest, kind, children, subject from manifests where digest = any($1::text[])',
    [digests],
  );
  return rows;
}

/** Keeps what is new, in sorted order. */
export async function keepManifests(
  db: Queryable,
  manifests: readonly KeptManifest[],
): Promise<void> {
  const rows = manifests.map(({ digest, kind, sizeBytes, children, subject, blobs }) => ({
    digest,
    kind,
    size_bytes: sizeBytes,
    children,
    subject: subject ?? null,
    blobs: blobs.map((blob) => blob.digest),
    blob_sizes: blobs.map((blob) => blob.sizeBytes),
  }));
  await db.query(
    `insert into manifests (digest, kind, size_bytes, children, subject, blobs, blob_sizes)
     select digest, kind, size_bytes, children, subject, blobs, blob_sizes
     from jsonb_to_recordset($1) as m (digest text, kind text, size_bytes bigint, children text[], subject text, blobs text[], blob_sizes bigint[])
     order by digest collate "C"
     on conflict (digest) do nothing`,
    [JSON.stringify(rows)],
  );
}

/**
 * Forgets what no registry has had for months. Should one have it again, it is read again.
 *
 * @returns how many it forgot.
 */
export async function forgetManifests(db: Queryable, signal: AbortSignal): Promise<number> {
  let forgotten = 0;
  for (let deleted = ROWS_A_STATEMENT; deleted === ROWS_A_STATEMENT && !signal.aborted; ) {
    // What is being seen again just then is locked, and kept.
    const { rowCount } = await db.query(
      `delete from manifests where digest in (
         select digest from manifests where seen_on < current_date - interval '${KEPT}'
         order by seen_on limit ${ROWS_A_STATEMENT} for update skip locked
       )`,
    );
    deleted = rowCount ?? 0;
    forgotten += deleted;
  }
  return forgotten;
}
