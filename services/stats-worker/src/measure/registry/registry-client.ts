/** A manifest as a registry lists it. */
export interface ListedManifest {
  readonly digest: string;
  readonly tags: readonly string[];
  /** What the provider says that it takes. */
  readonly providerBytes?: number;
  /** What the provider says of it: for manifests that it does not hand out. */
  readonly isImage?: boolean;
  readonly isArchived?: boolean;
}

/** Manifests as texts, which have the digests they are under. What is in neither is gone. */
export interface ReadManifests {
  readonly texts: ReadonlyMap<string, string>;
  /** There, but not handed out, or not as it was pushed. */
  readonly withheld: readonly string[];
}

/** What is asked of a registry, of whatever kind. All throw OdometerErrors `target_…`, or the signal's reason. */
export interface RegistryClient {
  /** Names of all repositories. */
  repositories(signal: AbortSignal): Promise<readonly string[]>;
  /** Manifests of a repository, each once. @returns undefined when there is no such repository any more. */
  list(repository: string, signal: AbortSignal): Promise<readonly ListedManifest[] | undefined>;
  read(repository: string, digests: readonly string[], signal: AbortSignal): Promise<ReadManifests>;
  /** Those that are there, of manifests that an index names and that were not listed. */
  findUnlisted(
    repository: string,
    digests: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly string[]>;
  /** Digests of what is about one of these manifests, and may not be listed. */
  referrers(
    repository: string,
    digests: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly string[]>;
}
