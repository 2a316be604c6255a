import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import type { Answer } from './key-pages.ts';
import { decodeListedKey } from './listed-key.ts';
import { listedObject } from './listed-object.ts';
import type { Asking } from './s3-asking.ts';

/** Answers of ListObjectVersions for keys after `after`. The SDK has no paginator for it. */
export async function* versionAnswers(
  { ask, nowMs, refuse, signal }: Asking,
  after: string | null,
): AsyncGenerator<Answer> {
  let keyMarker = after ?? undefined;
  let versionMarker: string | undefined;
  for (;;) {
    const askedAtMs = nowMs();
    const page = await ask((client, bucket) =>
      client.send(
        new ListObjectVersionsCommand({
          Bucket: bucket,
          EncodingType: 'url',
          ...(keyMarker !== undefined && { KeyMarker: keyMarker }),
          ...(versionMarker !== undefined && { VersionIdMarker: versionMarker }),
        }),
        { abortSignal: signal },
      ),
    );
    const { Versions = [], DeleteMarkers = [], IsTruncated = false, EncodingType } = page;
    const keyOf = (text = '') => decodeListedKey(text, EncodingType, refuse);
    const objects = Versions.map((version) => {
      return listedObject(keyOf(version.Key), versionOf(version.VersionId), version, refuse);
    });
    const markedKeys = DeleteMarkers.map(({ Key }) => keyOf(Key));
    const next = page.NextKeyMarker;
    const nextKey = next === undefined ? undefined : keyOf(next);
    yield {
      objects,
      askedAtMs,
      markedKeys,
      isTruncated: IsTruncated,
      ...(nextKey !== undefined && { openKey: nextKey }),
    };
    if (!IsTruncated) return;
    const isSame = nextKey === keyMarker && page.NextVersionIdMarker === versionMarker;
    if (nextKey === undefined || isSame) {
      throw refuse('there is more, but no new marker to ask for it');
    }
    keyMarker = nextKey;
    versionMarker = page.NextVersionIdMarker;
  }
}

/** S3 writes `null` for what has no version. */
function versionOf(id: string | undefined): string {
  return id === undefined || id === 'null' ? '' : id;
}
