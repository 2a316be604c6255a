import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { literalPrefix, pathMatcher } from '@odometer/domain/posthoc/path-pattern';
import { decodeListedKey } from '../../../measure/bucket/listed-key.ts';
import type { Asking } from '../../../measure/bucket/s3-asking.ts';

/** An object of logs, as it was listed. */
export interface ListedLog {
  readonly key: string;
  readonly sizeBytes: number;
  /** Says whether it is still the same when it is fetched. */
  readonly etag: string;
}

/**
 * The objects whose keys match one of the patterns, in their order, each once. Those without bytes are left out: they have no
 * lines, and some tools make them for directories.
 */
export async function listKeys(
  asking: Asking,
  patterns: readonly string[],
): Promise<readonly ListedLog[]> {
  const found = new Map<string, ListedLog>();
  for (const prefix of widest(patterns.map(literalPrefix))) {
    const matchers = patterns.filter((pattern) => pattern.startsWith(prefix)).map(pathMatcher);
    for await (const log of logsBelow(asking, prefix)) {
      if (matchers.some((matches) => matches(log.key))) found.set(log.key, log);
    }
  }
  return [...found.values()];
}

/** Without those of which another one is a prefix: nothing is listed twice. */
function widest(prefixes: readonly string[]): readonly string[] {
  return [...new Set(prefixes)].filter(
    (prefix) => !prefixes.some((other) => other !== prefix && prefix.startsWith(other)),
  );
}

async function* logsBelow(
  { ask, refuse, signal }: Asking,
  prefix: string,
): AsyncGenerator<ListedLog> {
  let token: string | undefined;
  for (;;) {
    const page = await ask((client, bucket) =>
      client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          EncodingType: 'url',
          ...(token !== undefined && { ContinuationToken: token }),
        }),
        { abortSignal: signal },
      ),
    );
    const { Contents = [], IsTruncated = false, NextContinuationToken, EncodingType } = page;
    for (const { Key = '', Size: sizeBytes, ETag: etag } of Contents) {
      const key = decodeListedKey(Key, EncodingType, refuse);
      // What was not asked for would be counted in a window that it is not of.
      if (!key.startsWith(prefix)) throw refuse(`${JSON.stringify(key)} is not below ${prefix}`);
      if (sizeBytes === undefined || etag === undefined) {
        throw refuse(`${JSON.stringify(key)} is listed without its size or its ETag`);
      }
      if (sizeBytes > 0) yield { key, sizeBytes, etag };
    }
    if (!IsTruncated) return;
    if (NextContinuationToken === undefined || NextContinuationToken === token) {
      throw refuse('there is more, but no new token to ask for it');
    }
    token = NextContinuationToken;
  }
}
