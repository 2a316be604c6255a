import { createHash } from 'node:crypto';

/** What lies in a registry. */
export interface Pushed {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** A manifest, its text included: its bytes count, too. */
export interface PushedManifest extends Pushed {
  readonly mediaType: string;
  readonly text: string;
}

const OCI_IMAGE = 'application/vnd.oci.image.manifest.v1+json';
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** Digest of a text or of bytes, as registries have it. */
export function digestOf(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** The text of an image's manifest, and what it comes to. */
export function imageManifest(
  config: Pushed,
  layers: readonly Pushed[],
  more: object = {},
): PushedManifest {
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_IMAGE,
    config: { mediaType: OCI_CONFIG, digest: config.digest, size: config.sizeBytes },
    layers: layers.map(({ digest, sizeBytes }) => ({
      mediaType: OCI_LAYER,
      digest,
      size: sizeBytes,
    })),
    ...more,
  });
  return { digest: digestOf(text), sizeBytes: text.length, mediaType: OCI_IMAGE, text };
}

/** The text of an index of manifests, and what it comes to. */
export function indexManifest(manifests: readonly PushedManifest[]): PushedManifest {
  const text = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: manifests.map(({ digest, sizeBytes, mediaType }) => ({
      mediaType,
      digest,
      size: sizeBytes,
    })),
  });
  return { digest: digestOf(text), sizeBytes: text.length, mediaType: OCI_INDEX, text };
}

/** Does what `docker push` does, to one repository of a registry. */
export class ImagePusher {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param headers e.g. Authorization. */
  constructor(url: string, repository: string, headers: Readonly<Record<string, string>> = {}) {
    this.#url = `${url}/v2/${repository}`;
    this.#headers = headers;
  }

  async blob(content: string | Uint8Array): Promise<Pushed> {
    const body = Buffer.from(content);
    const digest = digestOf(body);
    const begun = await this.#ask('/blobs/uploads/', { method: 'POST' }, 202);
    const upload = new URL(begun.headers.get('location') ?? '', this.#url);
    upload.searchParams.set('digest', digest);
    await this.#ask(upload.href, { method: 'PUT', body: new Uint8Array(body) }, 201);
    return { digest, sizeBytes: body.length };
  }

  /** Takes a blob over from another repository, without its bytes. */
  async mount(blob: Pushed, from: string): Promise<Pushed> {
    await this.#ask(`/blobs/uploads/?mount=${blob.digest}&from=${from}`, { method: 'POST' }, 201);
    return blob;
  }

  /** @param reference a tag; without it the manifest has none. */
  async manifest(manifest: PushedManifest, reference = manifest.digest): Promise<PushedManifest> {
    await this.#ask(
      `/manifests/${reference}`,
      {
        method: 'PUT',
        headers: { 'Content-Type': manifest.mediaType },
        body: manifest.text,
      },
      201,
    );
    return manifest;
  }

  async delete(digest: string): Promise<void> {
    await this.#ask(`/manifests/${digest}`, { method: 'DELETE' }, 202);
  }

  /** Does what `docker pull` does for a blob or a manifest, or asks only whether it is there. */
  async get(path: string, method: 'GET' | 'HEAD' = 'GET'): Promise<Uint8Array> {
    const headers = { Accept: `${OCI_IMAGE}, ${OCI_INDEX}` };
    const answer = await this.#ask(path, { method, headers }, 200);
    return new Uint8Array(await answer.arrayBuffer());
  }

  async #ask(
    path: string,
    init: RequestInit & { readonly headers?: Readonly<Record<string, string>> },
    expected: number,
  ): Promise<Response> {
    const url = path.startsWith('http') ? path : this.#url + path;
    const answer = await fetch(url, { ...init, headers: { ...this.#headers, ...init.headers } });
    if (answer.status !== expected) {
      throw new Error(`${init.method} ${url} answers ${answer.status}: ${await answer.text()}`);
    }
    return answer;
  }
}
