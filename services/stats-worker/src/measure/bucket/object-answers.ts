import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { Answer } from './key-pages.ts';
import { decodeListedKey } from './listed-key.ts';
import { listedObject } from './listed-object.ts';
import type { Asking } from './s3-asking.ts';

/** Answers of ListObjectsV2 for keys after `after`. */
export async function* objectAnswers(
  { ask, nowMs, refuse, signal }: Asking,
  after: string | null,
): AsyncGenerator<Answer> {
  let token: string | undefined;
  for (;;) {
    const askedAtMs = nowMs();
    const page = await ask((client, bucket) =>
      client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          EncodingType: 'url',
          ...(token !== undefined && { ContinuationToken: token }),
          // With a token too: some stores forget where the listing began.
          ...(after !== null && { StartAfter: after }),
        }),
        { abortSignal: signal },
      ),
    );
    const { Contents = [], IsTruncated = false, NextContinuationToken, EncodingType } = page;
    yield {
      objects: Contents.map((object) =>
        listedObject(decodeListedKey(object.Key ?? '', EncodingType, refuse), '', object, refuse),
      ),
      askedAtMs,
      markedKeys: [],
      isTruncated: IsTruncated,
    };
    if (!IsTruncated) return;
    if (NextContinuationToken === undefined || NextContinuationToken === token) {
      throw refuse('there is more, but no new token to ask for it');
    }
    token = NextContinuationToken;
  }
}
