import type { Queryable } from '@odometer/database/pool';
import {
  findManifests,
  type KeptManifest,
  keepManifests,
  type ManifestLinks,
} from '@odometer/database/registries/manifests';
import type { MeasuredImage } from '@odometer/database/registries/measured-images';
import { attributeManifests } from '@odometer/domain/registries/attribute-manifests';
import type { FindImageOwner } from '@odometer/domain/registries/image-owners';
import { parseManifest } from '@odometer/domain/registries/manifest';
import type { ListedManifest, RegistryClient } from './registry-client.ts';

/** Manifests read, and kept, at once: a few megabytes. */
const BATCH = 100;

export interface RepositoryReading {
  /** Every manifest that is there, once for each of its owners; of nobody's the owner is ''. */
  readonly images: readonly MeasuredImage[];
  /** Tags that the declaration gives to nobody. */
  readonly unmappedTags: readonly string[];
  /** Manifests that an index names and that are not there. */
  readonly missing: number;
  /** Manifests whose sizes are not known, or only from the provider. */
  readonly unsized: number;
  readonly archived: number;
}

/** What is known of a manifest that is there. */
interface Found {
  readonly tags: readonly string[];
  readonly children: readonly string[];
  readonly subject?: string;
  readonly isImage: boolean;
  readonly listed: ListedManifest | undefined;
  /** Of one that cannot be read: as good a figure as there is. */
  readonly opaqueBytes?: number;
}

export interface RepositoryReader {
  readonly db: Queryable;
  readonly client: RegistryClient;
  readonly findOwner: FindImageOwner;
}

/**
 * Reads what is in one repository. Manifests that are known already are not asked for again, so from one hour to the next
 * it costs little more than the listing; those that are new are kept as they come, so nothing of it is lost when it stops.
 *
 * @returns undefined when there is no such repository any more.
 */
export async function readRepository(
  reader: RepositoryReader,
  repository: string,
  signal: AbortSignal,
): Promise<RepositoryReading | undefined> {
  const { client, findOwner } = reader;
  const listing = await client.list(repository, signal);
  if (listing === undefined) return undefined;
  const listed = new Map(listing.map((manifest) => [manifest.digest, manifest]));
  const found = new Map<string, Found>();
  const asked = new Set<string>();
  let waiting: readonly string[] = [...listed.keys()];
  while (waiting.length > 0) {
    for (const digest of waiting) asked.add(digest);
    const round: string[] = [];
    for (let from = 0; from < waiting.length; from += BATCH) {
      const digests = waiting.slice(from, from + BATCH);
      for (const each of await readManifests(reader, repository, digests, listed, signal)) {
        found.set(...each);
        round.push(each[0]);
      }
    }
    const children = round.flatMap((digest) => found.get(digest)?.children ?? []);
    const unlisted = [...new Set(children)].filter((digest) => !asked.has(digest));
    const more = [
      ...(await client.findUnlisted(repository, unlisted, signal)),
      ...(await client.referrers(repository, round, signal)),
    ];
    waiting = [...new Set(more)].filter((digest) => !asked.has(digest));
  }
  return readingOf(repository, found, findOwner);
}

function readingOf(
  repository: string,
  found: ReadonlyMap<string, Found>,
  findOwner: FindImageOwner,
): RepositoryReading {
  const manifests = Array.from(found, ([digest, manifest]) => ({ digest, ...manifest }));
  const { owners, unmappedTags, missing } = attributeManifests(repository, manifests, findOwner);
  const images = manifests.flatMap(({ digest, isImage, listed, opaqueBytes }) => {
    const [first, ...others] = owners.get(digest) ?? [];
    return [first ?? { organization: '', project: '' }, ...others].map((owner) => ({
      digest,
      ...owner,
      isImage,
      providerBytes: listed?.providerBytes ?? null,
      opaqueBytes: opaqueBytes ?? null,
    }));
  });
  const all = [...found.values()];
  return {
    images,
    unmappedTags,
    missing: missing.length,
    unsized: all.filter(({ opaqueBytes }) => opaqueBytes !== undefined).length,
    archived: all.filter(({ listed }) => listed?.isArchived === true).length,
  };
}

/** Those of some manifests that are there, from what is kept or from the registry. */
async function readManifests(
  { db, client }: RepositoryReader,
  repository: string,
  digests: readonly string[],
  listed: ReadonlyMap<string, ListedManifest>,
  signal: AbortSignal,
): Promise<readonly (readonly [string, Found])[]> {
  const known = new Map<string, ManifestLinks>();
  for (const links of await findManifests(db, digests)) known.set(links.digest, links);
  const unknown = digests.filter((digest) => !known.has(digest));
  const opaque = new Map<string, Found>();
  if (unknown.length > 0) {
    const { texts, withheld } = await client.read(repository, unknown, signal);
    const toKeep: KeptManifest[] = [];
    for (const [digest, text] of texts) {
      const kept = toKept(digest, text);
      if (kept === undefined) {
        opaque.set(digest, opaqueManifest(listed.get(digest), Buffer.byteLength(text)));
      } else {
        toKeep.push(kept);
        known.set(digest, { ...kept, subject: kept.subject ?? null });
      }
    }
    for (const digest of withheld) opaque.set(digest, opaqueManifest(listed.get(digest), 0));
    if (toKeep.length > 0) await keepManifests(db, toKeep);
  }
  return digests.flatMap((digest) => {
    const links = known.get(digest);
    const of = listed.get(digest);
    const manifest: Found | undefined =
      links === undefined
        ? opaque.get(digest)
        : {
            tags: of?.tags ?? [],
            children: links.children,
            ...(links.subject === null ? {} : { subject: links.subject }),
            isImage: links.kind === 'image',
            listed: of,
          };
    // Listed, and gone since: what is read next hour will not have it either.
    return manifest === undefined ? [] : [[digest, manifest] as const];
  });
}

/** @returns undefined for one whose parts have no sizes: Docker's first format, or none that we know. */
function toKept(digest: string, text: string): KeptManifest | undefined {
  const manifest = parseManifest(text);
  if (typeof manifest === 'string' || manifest.kind === 'schema1') return undefined;
  return {
    digest,
    kind: manifest.kind,
    sizeBytes: Buffer.byteLength(text),
    children: manifest.kind === 'index' ? manifest.children : [],
    blobs: manifest.kind === 'index' ? [] : manifest.blobs,
    ...(manifest.subject === undefined ? {} : { subject: manifest.subject }),
  };
}

/** The provider's figure where there is one, and otherwise no more than the manifest itself. */
function opaqueManifest(listed: ListedManifest | undefined, textBytes: number): Found {
  return {
    tags: listed?.tags ?? [],
    children: [],
    isImage: listed?.isImage ?? true,
    listed,
    opaqueBytes: listed?.providerBytes ?? textBytes,
  };
}
