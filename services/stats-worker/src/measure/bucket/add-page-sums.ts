import { addListingSums } from '@odometer/database/objects/listing-sums';
import { NOBODY } from '@odometer/database/objects/storage-books';
import type { Transaction } from '@odometer/database/pool';
import { ownerOf, placeObject } from '../../objects/place-object.ts';
import type { BucketListing, StepResult } from './bucket-listing.ts';
import type { KeyedObject } from './compare-page.ts';

/** Adds what a page has to the sums of its owners: all that is kept of a bucket without a ledger. */
export async function addPageSums(
  { parts, terms, measurementId }: BucketListing,
  transaction: Transaction,
  objects: readonly KeyedObject[],
): Promise<StepResult> {
  const places = objects.map(({ object }) => placeObject(terms.bucket, object.key));
  const owners = new Map(
    places.flatMap(({ owner }) =>
      owner === undefined ? [] : [[`${owner.organization}/${owner.project}`, owner] as const],
    ),
  );
  const names = await parts.registry.resolve(transaction, owners.values());
  const sums = new Map<
    string,
    { projectId: string; type: string; bytes: bigint; objects: number }
  >();
  for (const [index, { object }] of objects.entries()) {
    const place = places[index];
    if (place === undefined) continue;
    const { projectId, type } = ownerOf(place, names);
    const key = `${projectId ?? NOBODY} ${type}`;
    const sum = sums.get(key) ?? { projectId: projectId ?? NOBODY, type, bytes: 0n, objects: 0 };
    sum.bytes += BigInt(object.sizeBytes);
    sum.objects += 1;
    sums.set(key, sum);
  }
  await addListingSums(transaction, measurementId, [...sums.values()]);
  return { onCommit: () => names.publish() };
}
