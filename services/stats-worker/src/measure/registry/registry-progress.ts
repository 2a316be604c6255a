import { z } from 'zod';
import type { RepositoryReading } from './read-repository.ts';

/** Names of what maps to nobody, for people; how many there are is counted whole. */
const MAX_NAMES = 20;

/** What a measurement has done so far, as it is kept. */
export const registryProgressSchema = z.object({
  /** Hash of the declaration that it goes by: under another one it begins anew. */
  declaration: z.string().default(''),
  /** Repositories up to this one, in the order of their names, are read. */
  after: z.string().default(''),
  repositories: z.int().default(0),
  unmappedRepositories: z.int().default(0),
  unmappedRepositoryNames: z.array(z.string()).default([]),
  unmappedTags: z.int().default(0),
  unmappedTagNames: z.array(z.string()).default([]),
  missingManifests: z.int().default(0),
  unsizedManifests: z.int().default(0),
  archivedImages: z.int().default(0),
  /** What came out, once it counts: only the end is left to be told. */
  figures: z.record(z.string(), z.unknown()).optional(),
});

export type RegistryProgress = Readonly<z.infer<typeof registryProgressSchema>>;

/** @param reading undefined: the repository was deleted meanwhile. */
export function withRepository(
  progress: RegistryProgress,
  name: string,
  reading: RepositoryReading | undefined,
): RegistryProgress {
  if (reading === undefined) return { ...progress, after: name };
  const { images, unmappedTags, missing, unsized, archived } = reading;
  const isUnmapped = images.length > 0 && images.every(({ project }) => project === '');
  // Of a repository that is nobody's the tags are not told one by one.
  const tags = isUnmapped ? [] : unmappedTags.map((tag) => `${name}:${tag}`);
  return {
    ...progress,
    after: name,
    repositories: progress.repositories + 1,
    unmappedRepositories: progress.unmappedRepositories + (isUnmapped ? 1 : 0),
    unmappedRepositoryNames: some(progress.unmappedRepositoryNames, isUnmapped ? [name] : []),
    unmappedTags: progress.unmappedTags + tags.length,
    unmappedTagNames: some(progress.unmappedTagNames, tags),
    missingManifests: progress.missingManifests + missing,
    unsizedManifests: progress.unsizedManifests + unsized,
    archivedImages: progress.archivedImages + archived,
  };
}

function some(names: readonly string[], more: readonly string[]): string[] {
  return [...names, ...more].slice(0, MAX_NAMES);
}
