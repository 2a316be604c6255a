import { getHashes, hash } from 'node:crypto';

const ALGORITHMS: ReadonlySet<string> = new Set(
  getHashes().filter((name) => /^sha(256|384|512)$/.test(name)),
);

/** Whether a content is what its digest, `algorithm:hex`, says. One of an algorithm that nobody knows is not. */
export function hasDigest(content: string | Uint8Array, digest: string): boolean {
  const [algorithm = '', hex] = digest.split(':');
  return ALGORITHMS.has(algorithm) && hash(algorithm, content) === hex;
}
