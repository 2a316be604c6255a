import type { SimulatedBucket } from '@odometer/s3-simulator/simulated-bucket';
import type { StoreEvent } from '@odometer/s3-simulator/store-event';
import { element, listing, unescaped } from './s3-xml.ts';

/** DeleteObject. @param versionId as S3 writes it, `null` for the null version; null or absent for a plain delete */
export function deleteOne(
  bucket: SimulatedBucket,
  key: string,
  versionId: string | null,
): readonly StoreEvent[] {
  if (versionId === null) return bucket.delete(key);
  return bucket.deleteVersion(key, versionId === 'null' ? '' : versionId);
}

/** DeleteObjects: its document of objects, and of what became of them. Like S3 it calls deleted what was never there. */
export function deleteMany(
  bucket: SimulatedBucket,
  document: string,
): { readonly body: string; readonly events: readonly StoreEvent[] } {
  const events: StoreEvent[] = [];
  const deleted: string[] = [];
  for (const [, object = ''] of document.matchAll(/<Object>(.*?)<\/Object>/gs)) {
    const key = textOf(object, 'Key') ?? '';
    const versionId = textOf(object, 'VersionId');
    events.push(...deleteOne(bucket, key, versionId ?? null));
    deleted.push(`<Deleted>${element('Key', key)}${element('VersionId', versionId)}</Deleted>`);
  }
  const quiet = textOf(document, 'Quiet') === 'true';
  return { body: listing('DeleteResult', ...(quiet ? [] : deleted)), events };
}

function textOf(document: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(document)?.[1];
  return text === undefined ? undefined : unescaped(text);
}
