import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PushedManifest } from './push-image.ts';

/** An image as ECR keeps it. */
export interface EcrImage {
  readonly manifest: PushedManifest;
  tags: string[];
  /** `imageSizeInBytes`: whatever ECR would say. */
  readonly saidBytes: number;
  readonly isArchived?: boolean;
  readonly artifactMediaType?: string;
  readonly subject?: string;
}

interface Call {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What ECR answers with when it refuses. */
export interface EcrRefusal {
  readonly status: number;
  readonly type: string;
}

interface Page {
  readonly nextToken?: string;
  readonly maxResults?: number;
}

/**
 * A server that speaks ECR's protocol (JSON 1.1), as far as measuring needs it, from images in memory. As ECR does, it shows
 * only what is not archived unless it is asked for all, and hands out no manifest of what is archived.
 */
export class FakeEcr {
  readonly repositories = new Map<string, Map<string, EcrImage>>();
  readonly calls: Call[] = [];
  /** Told of each call before it is answered: may change what there is, or refuse. */
  onCall: (call: Call) => EcrRefusal | undefined = () => undefined;
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then(({ status, body }) => {
      response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    });
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  push(repository: string, image: EcrImage): EcrImage {
    const images = this.repositories.get(repository) ?? new Map<string, EcrImage>();
    this.repositories.set(repository, images);
    images.set(image.manifest.digest, image);
    return image;
  }

  callsOf(operation: string): readonly Call[] {
    return this.calls.filter((call) => call.operation === operation);
  }

  async #answer(
    request: IncomingMessage,
  ): Promise<{ readonly status: number; readonly body: object }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const input = JSON.parse(Buffer.concat(chunks).toString()) as Readonly<Record<string, unknown>>;
    this.calls.push({ operation, input });
    const refusal = this.onCall({ operation, input });
    if (refusal !== undefined) return refused(refusal);
    if (operation === 'DescribeRepositories') {
      const names = [...this.repositories.keys()].map((repositoryName) => ({ repositoryName }));
      return { status: 200, body: page('repositories', names, input) };
    }
    const images = this.repositories.get(String(input.repositoryName));
    if (images === undefined) return refused({ status: 400, type: 'RepositoryNotFoundException' });
    if (operation === 'DescribeImages') {
      const { imageStatus = 'ACTIVE' } = (input.filter ?? {}) as { readonly imageStatus?: string };
      const shown = [...images.values()].filter(
        ({ isArchived = false }) =>
          imageStatus === 'ANY' || isArchived === (imageStatus === 'ARCHIVED'),
      );
      return { status: 200, body: page('imageDetails', shown.map(detail), input) };
    }
    if (operation === 'BatchGetImage') return { status: 200, body: batchGet(images, input) };
    return refused({ status: 400, type: 'InvalidAction' });
  }
}

function refused({ status, type }: EcrRefusal) {
  return { status, body: { __type: type, message: `${type} of a test` } };
}

function page(name: string, all: readonly object[], { nextToken, maxResults = 100 }: Page): object {
  if (maxResults > 1_000) throw new Error('maxResults is at most 1000');
  const from = Number(nextToken ?? 0);
  const to = from + maxResults;
  return { [name]: all.slice(from, to), ...(to < all.length ? { nextToken: String(to) } : {}) };
}

function detail(image: EcrImage): object {
  const { manifest, tags, saidBytes, isArchived = false, artifactMediaType, subject } = image;
  return {
    imageDigest: manifest.digest,
    ...(tags.length === 0 ? {} : { imageTags: tags }),
    imageSizeInBytes: saidBytes,
    imageManifestMediaType: manifest.mediaType,
    imageStatus: isArchived ? 'ARCHIVED' : 'ACTIVE',
    artifactMediaType,
    subjectManifestDigest: subject,
  };
}

function batchGet(
  stored: ReadonlyMap<string, EcrImage>,
  input: Readonly<Record<string, unknown>>,
): object {
  const ids = input.imageIds as readonly { readonly imageDigest: string }[];
  if (ids.length > 100) throw new Error('imageIds are at most 100');
  const images: object[] = [];
  const failures: object[] = [];
  for (const { imageDigest } of ids) {
    const image = stored.get(imageDigest);
    if (image === undefined || image.isArchived === true) {
      const failureCode = image === undefined ? 'ImageNotFound' : 'ImageInaccessible';
      failures.push({ imageId: { imageDigest }, failureCode });
      continue;
    }
    const { text: imageManifest, mediaType: imageManifestMediaType } = image.manifest;
    images.push({
      imageId: { imageDigest, imageTag: image.tags[0] },
      imageManifest,
      imageManifestMediaType,
    });
  }
  return { images, failures };
}
