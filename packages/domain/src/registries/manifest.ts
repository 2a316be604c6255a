/** Bytes of a registry, by the digest of what they are. */
export interface Blob {
  readonly digest: string;
  readonly sizeBytes: number;
}

/**
 * What a manifest says lies in the registry because of it. It can never change: the digest is a hash of all of it.
 */
export type Manifest =
  /** `image`: something that runs. `artifact`: anything else that is kept like one: charts, signatures, attestations. */
  | {
      readonly kind: 'image' | 'artifact';
      /** Configuration and layers that are in the registry, each once. */
      readonly blobs: readonly Blob[];
      /** Digest of the manifest that this one is about. */
      readonly subject?: string;
    }
  /** Manifests for several platforms; in itself no image. */
  | { readonly kind: 'index'; readonly children: readonly string[]; readonly subject?: string }
  /** Docker's first format, which names layers without their sizes. */
  | { readonly kind: 'schema1' };

export const MANIFEST_TYPES = {
  dockerImage: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  ociImage: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
} as const;

/** All that is asked for. Docker's first format is not: what is still kept in it is served anyway, as there is nothing else. */
export const ACCEPTED_MANIFESTS: readonly string[] = Object.values(MANIFEST_TYPES);

/** The specification's bound for what registries have to take is 4 MiB; what is larger nobody could have pushed. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

const IMAGE_CONFIGS: readonly unknown[] = [
  'application/vnd.docker.container.image.v1+json',
  'application/vnd.oci.image.config.v1+json',
];
/** What is wrapped in the shape of an image, by BuildKit: provenance and bills of materials. */
const ATTESTATION = 'application/vnd.in-toto+json';
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]{32,256}$/;

type Members = Readonly<Record<string, unknown>>;

/** Whether `text` is the digest of something, of whatever algorithm. Never throws. */
export function isDigest(text: unknown): text is string {
  return typeof text === 'string' && DIGEST.test(text);
}

/**
 * Reads a manifest, of whichever of the known formats it is.
 *
 * Blobs that lie elsewhere (they have `urls`, or a type that says they may not be distributed) are not in the registry and
 * left out. https://github.com/opencontainers/image-spec/blob/main/manifest.md
 *
 * @returns a sentence that says what is wrong when it cannot be read. Never throws.
 */
export function parseManifest(text: string): Manifest | string {
  const manifest = parseMembers(text);
  if (manifest === undefined) return 'the manifest is not a JSON object';
  if (manifest.schemaVersion === 1) return { kind: 'schema1' };
  const subject = isMembers(manifest.subject) ? manifest.subject.digest : undefined;
  if (subject !== undefined && !isDigest(subject)) return 'the digest of the subject is no digest';
  const about = subject === undefined ? {} : { subject };
  if (Array.isArray(manifest.manifests)) {
    const children: string[] = [];
    for (const child of manifest.manifests) {
      if (!isMembers(child) || !isDigest(child.digest))
        return 'an entry of the index has no digest';
      if (!isElsewhere(child)) children.push(child.digest);
    }
    return { kind: 'index', children: [...new Set(children)], ...about };
  }
  const { config } = manifest;
  // `blobs` is what artifact manifests of a draft of the specification have; some registries still hold them.
  const layers = manifest.layers ?? manifest.blobs ?? [];
  if (!Array.isArray(layers)) return 'the layers are no list';
  const blobs = new Map<string, Blob>();
  for (const part of config === undefined ? layers : [config, ...layers]) {
    if (!isMembers(part) || !isDigest(part.digest)) return 'a part of the manifest has no digest';
    if (!isSize(part.size)) return `the size of ${part.digest} is no number of bytes`;
    if (!isElsewhere(part)) blobs.set(part.digest, { digest: part.digest, sizeBytes: part.size });
  }
  const isImage =
    subject === undefined &&
    isMembers(config) &&
    IMAGE_CONFIGS.includes(config.mediaType) &&
    (manifest.artifactType ?? config.mediaType) === config.mediaType &&
    !isAttestation(layers);
  return { kind: isImage ? 'image' : 'artifact', blobs: [...blobs.values()], ...about };
}

function isAttestation(layers: readonly unknown[]): boolean {
  return (
    layers.length > 0 &&
    layers.every((layer) => isMembers(layer) && layer.mediaType === ATTESTATION)
  );
}

function isElsewhere({ urls, mediaType }: Members): boolean {
  return (
    (Array.isArray(urls) && urls.length > 0) ||
    (typeof mediaType === 'string' && /\.foreign\.|\.nondistributable\./.test(mediaType))
  );
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseMembers(text: string): Members | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isMembers(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
