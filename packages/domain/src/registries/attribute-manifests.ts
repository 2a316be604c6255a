import type { FindImageOwner, ImageOwner } from './image-owners.ts';

/** A manifest that is in a repository, and how it hangs together with others. */
export interface PresentManifest {
  readonly digest: string;
  readonly tags: readonly string[];
  /** Of an index. */
  readonly children?: readonly string[];
  readonly subject?: string;
}

/** Whose the manifests of one repository are. */
export interface Attribution {
  /** Owners by digest, for every manifest that is present; none: nobody's. */
  readonly owners: ReadonlyMap<string, readonly ImageOwner[]>;
  /** Tags that no rule gives to anybody. */
  readonly unmappedTags: readonly string[];
  /** Digests that an index names and that are not there. */
  readonly missing: readonly string[];
}

/** How tools without the referrers API tie an artifact to a manifest: `sha256-{hex}`, and cosign's `sha256-{hex}.sig`. */
const REFERRERS_TAG = /^(sha256|sha512)-([0-9a-f]{64,128})(?:\.[a-z]+)?$/;

/**
 * Gives each manifest to those whose tags reach it: what belongs to an index or to what is about a manifest belongs to the
 * owners of that. What has no tag and hangs on nothing belongs to the owner of the repository, if one rule gives it whole.
 */
export function attributeManifests(
  repository: string,
  manifests: readonly PresentManifest[],
  findOwner: FindImageOwner,
): Attribution {
  const present = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  const missing = new Set<string>();
  /** From what is owned to what is owned along with it. */
  const along = new Map<string, string[]>();
  const isLed = new Set<string>();
  const lead = (from: string, to: string) => {
    if (from === to) return;
    const found = along.get(from);
    if (found === undefined) along.set(from, [to]);
    else found.push(to);
    isLed.add(to);
  };
  const unmappedTags: string[] = [];
  const ownTags = new Map<string, readonly string[]>();
  for (const { digest, tags, children = [], subject } of manifests) {
    for (const child of children) {
      if (present.has(child)) lead(digest, child);
      else missing.add(child);
    }
    if (subject !== undefined && present.has(subject)) lead(subject, digest);
    const own: string[] = [];
    for (const tag of tags) {
      const [, algorithm, hex] = REFERRERS_TAG.exec(tag) ?? [];
      const about = `${algorithm}:${hex}`;
      if (present.has(about)) lead(about, digest);
      else own.push(tag);
    }
    ownTags.set(digest, own);
  }

  const owners = new Map<string, ImageOwner[]>(manifests.map(({ digest }) => [digest, []]));
  const give = (digest: string, owner: ImageOwner) => {
    const waiting = [digest];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const found = owners.get(next);
      if (found === undefined || found.some((other) => isSame(other, owner))) continue;
      found.push(owner);
      waiting.push(...(along.get(next) ?? []));
    }
  };
  for (const { digest } of manifests) {
    const tags = ownTags.get(digest) ?? [];
    for (const tag of tags) {
      const owner = findOwner(repository, tag);
      if (owner === undefined) unmappedTags.push(tag);
      else give(digest, owner);
    }
    if (tags.length === 0 && !isLed.has(digest)) {
      const owner = findOwner(repository, undefined);
      if (owner !== undefined) give(digest, owner);
    }
  }
  return { owners, unmappedTags, missing: [...missing] };
}

function isSame(a: ImageOwner, b: ImageOwner): boolean {
  return a.organization === b.organization && a.project === b.project;
}
