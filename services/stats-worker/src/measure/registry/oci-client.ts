import { hash } from 'node:crypto';
import { OdometerError } from '@odometer/domain/errors';
import {
  ACCEPTED_MANIFESTS,
  isDigest,
  MANIFEST_TYPES,
  MAX_MANIFEST_BYTES,
  parseManifest,
} from '@odometer/domain/registries/manifest';
import type { OciRegistry } from '@odometer/domain/registries/registry-declaration';
import { z } from 'zod';
import { hasDigest } from './has-digest.ts';
import { inParallel } from './in-parallel.ts';
import type { Credentials } from './oci-authorization.ts';
import { OciHttp } from './oci-http.ts';
import type { ListedManifest, ReadManifests, RegistryClient } from './registry-client.ts';

/** A page of names; what a registry sends beyond is no page. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;
/** More pages than that are a circle. */
const MAX_PAGES = 100_000;
const ACCEPT = [
  ...ACCEPTED_MANIFESTS,
  // Of a draft of the specification; some registries still hold what was pushed then.
  'application/vnd.oci.artifact.manifest.v1+json',
].join(', ');

const catalogSchema = z.object({ repositories: z.array(z.string()).nullable() });
const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });

/** What may stand in a path: no `..`, no query. The specification allows less. */
const REPOSITORY = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;

/**
 * Any registry that speaks the distribution API: distribution itself, Harbor, zot.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 *
 * It knows only what a tag, an index or a reference leads to: the API names nothing else.
 */
export class OciClient implements RegistryClient {
  readonly #http: OciHttp;
  readonly #declaration: OciRegistry;
  /** Whether it knows what that is; undefined until it has said so. */
  #hasReferrers: boolean | undefined;

  constructor(declaration: OciRegistry, credentials: Credentials | undefined, timeoutMs?: number) {
    this.#declaration = declaration;
    this.#http = new OciHttp(
      `registry ${declaration.name}`,
      new URL(declaration.url),
      credentials,
      timeoutMs,
    );
  }

  async repositories(signal: AbortSignal): Promise<readonly string[]> {
    const { repositories } = this.#declaration;
    if (repositories !== undefined) return repositories;
    const found = await this.#pages(
      '/v2/_catalog',
      'registry:catalog:*',
      signal,
      (body) => catalogSchema.parse(body).repositories ?? [],
    );
    if (found === undefined) {
      throw this.#invalid('it has no catalogue: list its repositories in the declaration');
    }
    const odd = found.find((name) => !REPOSITORY.test(name));
    if (odd !== undefined) throw this.#invalid(`a repository cannot be called ${quoted(odd)}`);
    return found;
  }

  async list(
    repository: string,
    signal: AbortSignal,
  ): Promise<readonly ListedManifest[] | undefined> {
    const tags = await this.#pages(
      `/v2/${repository}/tags/list`,
      pull(repository),
      signal,
      (body) => tagsSchema.parse(body).tags ?? [],
    );
    if (tags === undefined) return undefined;
    const odd = tags.find((tag) => !TAG.test(tag));
    if (odd !== undefined) throw this.#invalid(`no tag can be called ${quoted(odd)}`);
    const digests = await inParallel(tags, this.#declaration.concurrency, signal, (tag, either) =>
      this.#digestOf(repository, tag, either),
    );
    const byDigest = new Map<string, string[]>();
    for (const [index, tag] of tags.entries()) {
      const digest = digests[index];
      if (digest === undefined) continue;
      const known = byDigest.get(digest);
      if (known === undefined) byDigest.set(digest, [tag]);
      else known.push(tag);
    }
    return Array.from(byDigest, ([digest, of]) => ({ digest, tags: of }));
  }

  async read(
    repository: string,
    digests: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadManifests> {
    const texts = new Map<string, string>();
    await inParallel(digests, this.#declaration.concurrency, signal, async (digest, either) => {
      const answer = await this.#manifest(repository, digest, 'GET', either);
      if (answer.status !== 200) return;
      // Docker's first format is signed inside, and its digest is of something else than the text.
      if (!hasDigest(answer.body, digest) && !isSchema1(answer.body)) {
        throw this.#invalid(`what it has as ${digest} of ${repository} has another digest`);
      }
      texts.set(digest, answer.body.toString());
    });
    return { texts, withheld: [] };
  }

  async findUnlisted(
    repository: string,
    digests: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const found = await inParallel(
      digests,
      this.#declaration.concurrency,
      signal,
      async (digest, either) =>
        (await this.#manifest(repository, digest, 'HEAD', either)).status === 200,
    );
    return digests.filter((_, index) => found[index]);
  }

  async referrers(
    repository: string,
    digests: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const found = await inParallel(
      digests,
      this.#declaration.concurrency,
      signal,
      async (digest, either) => {
        if (this.#hasReferrers === false) return [];
        const pages = await this.#pages(
          `/v2/${repository}/referrers/${digest}`,
          pull(repository),
          either,
          (body) => {
            const index = parseManifest(JSON.stringify(body));
            if (typeof index === 'string' || index.kind !== 'index')
              throw new TypeError('no index');
            return index.children;
          },
        );
        if (pages !== undefined) {
          this.#hasReferrers = true;
          return pages;
        }
        // One that knows of referrers answers with an empty list when there are none, but not in a repository that is gone.
        const isThere =
          this.#hasReferrers === undefined && (await this.#isThere(repository, either));
        if (isThere) this.#hasReferrers ??= false;
        return [];
      },
    );
    return [...new Set(found.flat())];
  }

  async #isThere(repository: string, signal: AbortSignal): Promise<boolean> {
    const url = this.#url(`/v2/${repository}/tags/list?n=1`);
    const request = {
      url,
      scope: pull(repository),
      maxBytes: MAX_PAGE_BYTES,
      accept: ACCEPT_LIST,
    };
    return (await this.#http.request(request, signal)).status === 200;
  }

  /** Of what a tag points to. @returns undefined when it is not there any more. */
  async #digestOf(
    repository: string,
    tag: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const head = await this.#manifest(repository, tag, 'HEAD', signal);
    if (head.status === 404) return undefined;
    const said = head.headers.get('docker-content-digest');
    if (head.status === 200 && isDigest(said)) return said;
    const answer = await this.#manifest(repository, tag, 'GET', signal);
    if (answer.status !== 200) return undefined;
    const also = answer.headers.get('docker-content-digest');
    return isDigest(also) ? also : `sha256:${hash('sha256', answer.body)}`;
  }

  #manifest(repository: string, reference: string, method: 'GET' | 'HEAD', signal: AbortSignal) {
    return this.#http.request(
      {
        url: this.#url(`/v2/${repository}/manifests/${reference}`),
        method,
        accept: ACCEPT,
        scope: pull(repository),
        maxBytes: MAX_MANIFEST_BYTES,
      },
      signal,
    );
  }

  /** All names of a paged list. @returns undefined when there is no such list. */
  async #pages(
    path: string,
    scope: string,
    signal: AbortSignal,
    namesOf: (body: unknown) => readonly string[],
  ): Promise<readonly string[] | undefined> {
    const names = new Set<string>();
    const seen = new Set<string>();
    let url: URL | undefined = this.#url(path);
    while (url !== undefined) {
      if (seen.has(url.href) || seen.size === MAX_PAGES) {
        throw this.#invalid(`${path} has no end`);
      }
      seen.add(url.href);
      const request = { url, scope, maxBytes: MAX_PAGE_BYTES, accept: ACCEPT_LIST };
      const { status, headers, body } = await this.#http.request(request, signal);
      if (status !== 200) return undefined;
      for (const name of this.#parse(path, body, namesOf)) names.add(name);
      url = this.#nextPage(url, headers.get('link'));
    }
    return [...names];
  }

  #parse(
    path: string,
    body: Buffer,
    namesOf: (body: unknown) => readonly string[],
  ): readonly string[] {
    try {
      return namesOf(JSON.parse(body.toString()));
    } catch {
      throw this.#invalid(`${path} is no list`);
    }
  }

  /** `Link: <…>; rel="next"`, which may be relative. Elsewhere nobody is asked. */
  #nextPage(current: URL, link: string | null): URL | undefined {
    const next = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link ?? '')?.[1];
    if (next === undefined) return undefined;
    const url = URL.canParse(next, current.href) ? new URL(next, current) : undefined;
    if (url?.host !== current.host) throw this.#invalid('its next page is at another host');
    // Behind a proxy that ends TLS a registry may take itself for one without.
    url.protocol = current.protocol;
    return url;
  }

  #url(path: string): URL {
    return new URL(path, this.#declaration.url);
  }

  #invalid(reason: string): OdometerError {
    return new OdometerError('target_invalid', { target: this.#http.target, reason });
  }
}

const ACCEPT_LIST = `application/json, ${MANIFEST_TYPES.ociIndex}`;

function pull(repository: string): string {
  return `repository:${repository}:pull`;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}

function isSchema1(body: Buffer): boolean {
  const manifest = parseManifest(body.toString());
  return typeof manifest !== 'string' && manifest.kind === 'schema1';
}
