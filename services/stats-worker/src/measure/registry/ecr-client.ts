import {
  BatchGetImageCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  type ECRClient,
  type ImageDetail,
  RepositoryNotFoundException,
} from '@aws-sdk/client-ecr';
import { awsFailure } from '@odometer/aws/aws-error';
import { OdometerError } from '@odometer/domain/errors';
import { ACCEPTED_MANIFESTS, MANIFEST_TYPES } from '@odometer/domain/registries/manifest';
import type { EcrRegistry } from '@odometer/domain/registries/registry-declaration';
import { hasDigest } from './has-digest.ts';
import type { ListedManifest, ReadManifests, RegistryClient } from './registry-client.ts';

const PAGE = 1_000;
/** Most that BatchGetImage takes. */
const BATCH = 100;
const IMAGE_CONFIG =
  /^application\/vnd\.(docker\.container\.image\.v1|oci\.image\.config\.v1)\+json$/;

/**
 * Amazon ECR, private. A listing tells of everything there is: tagged or not, children of indexes, what is about others, and
 * what is archived, which is stored all the same.
 */
export class EcrClient implements RegistryClient {
  readonly #ecr: ECRClient;
  readonly #declaration: EcrRegistry;

  constructor(ecr: ECRClient, declaration: EcrRegistry) {
    this.#ecr = ecr;
    this.#declaration = declaration;
  }

  async repositories(signal: AbortSignal): Promise<readonly string[]> {
    const names = new Set<string>();
    await this.#pages('DescribeRepositories', async (nextToken) => {
      const command = new DescribeRepositoriesCommand({
        ...this.#registry,
        maxResults: PAGE,
        nextToken,
      });
      const page = await this.#ecr.send(command, { abortSignal: signal });
      for (const { repositoryName } of page.repositories ?? []) {
        if (repositoryName !== undefined) names.add(repositoryName);
      }
      return page.nextToken;
    });
    return [...names];
  }

  async list(
    repository: string,
    signal: AbortSignal,
  ): Promise<readonly ListedManifest[] | undefined> {
    const listed = new Map<string, ListedManifest>();
    try {
      await this.#pages('DescribeImages', async (nextToken) => {
        const command = new DescribeImagesCommand({
          ...this.#registry,
          repositoryName: repository,
          maxResults: PAGE,
          // Without it what is archived would be missing.
          filter: { imageStatus: 'ANY' },
          nextToken,
        });
        const page = await this.#ecr.send(command, { abortSignal: signal });
        for (const detail of page.imageDetails ?? []) take(listed, detail);
        return page.nextToken;
      });
    } catch (error) {
      if (error instanceof RepositoryNotFoundException) return undefined;
      throw error;
    }
    return [...listed.values()];
  }

  async read(
    repository: string,
    digests: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadManifests> {
    const texts = new Map<string, string>();
    const withheld = new Set<string>();
    for (let from = 0; from < digests.length; from += BATCH) {
      const command = new BatchGetImageCommand({
        ...this.#registry,
        repositoryName: repository,
        // By digest: a tag may have moved since the listing.
        imageIds: digests.slice(from, from + BATCH).map((imageDigest) => ({ imageDigest })),
        acceptedMediaTypes: [...ACCEPTED_MANIFESTS],
      });
      try {
        const { images = [], failures = [] } = await this.#ecr.send(command, {
          abortSignal: signal,
        });
        for (const { imageId, imageManifest } of images) {
          const digest = imageId?.imageDigest;
          if (digest === undefined || imageManifest === undefined) continue;
          // Another format than it was pushed in has another digest, and other sizes.
          if (hasDigest(imageManifest, digest)) texts.set(digest, imageManifest);
          else withheld.add(digest);
        }
        for (const { imageId, failureCode } of failures) {
          const digest = imageId?.imageDigest;
          if (digest !== undefined && failureCode !== 'ImageNotFound') withheld.add(digest);
        }
      } catch (error) {
        if (error instanceof RepositoryNotFoundException) break;
        throw awsFailure(this.#target, error);
      }
    }
    return { texts, withheld: [...withheld].filter((digest) => !texts.has(digest)) };
  }

  /** What was not listed is not there. */
  async findUnlisted(): Promise<readonly string[]> {
    return [];
  }

  /** They were listed. */
  async referrers(): Promise<readonly string[]> {
    return [];
  }

  async #pages(
    name: string,
    page: (nextToken: string | undefined) => Promise<string | undefined>,
  ): Promise<void> {
    const seen = new Set<string>();
    let token: string | undefined;
    do {
      try {
        token = await page(token);
      } catch (error) {
        // Whoever asks about one repository knows what to make of it.
        if (error instanceof RepositoryNotFoundException) throw error;
        throw awsFailure(this.#target, error);
      }
      if (token !== undefined && seen.has(token)) {
        throw new OdometerError('target_invalid', {
          target: this.#target,
          reason: `${name} gives the same page again`,
        });
      }
      if (token !== undefined) seen.add(token);
    } while (token !== undefined);
  }

  get #registry(): { readonly registryId?: string } {
    const { registryId } = this.#declaration;
    return registryId === undefined ? {} : { registryId };
  }

  get #target(): string {
    return `registry ${this.#declaration.name}`;
  }
}

/** Once for each digest: what is pushed meanwhile may move what is listed to another page. */
function take(listed: Map<string, ListedManifest>, detail: ImageDetail): void {
  const { imageDigest: digest, imageTags, imageSizeInBytes, imageStatus } = detail;
  if (digest === undefined) return;
  const tags = new Set([...(listed.get(digest)?.tags ?? []), ...(imageTags ?? [])]);
  listed.set(digest, {
    digest,
    tags: [...tags],
    ...(imageSizeInBytes === undefined ? {} : { providerBytes: imageSizeInBytes }),
    isImage: isImage(detail),
    isArchived: imageStatus === 'ARCHIVED',
  });
}

function isImage(detail: ImageDetail): boolean {
  const { imageManifestMediaType: type, artifactMediaType, subjectManifestDigest } = detail;
  const isIndex = type === MANIFEST_TYPES.dockerIndex || type === MANIFEST_TYPES.ociIndex;
  return (
    !isIndex &&
    subjectManifestDigest === undefined &&
    (artifactMediaType === undefined || IMAGE_CONFIG.test(artifactMediaType))
  );
}
