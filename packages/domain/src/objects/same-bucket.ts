import type { BucketDeclaration } from './bucket-declaration.ts';

/** Where a bucket lies, as far as that says which one it is. */
export type BucketPlace = Pick<BucketDeclaration, 'bucket' | 'region' | 'endpoint'>;

/** Hosts of AWS itself, China's included; the endpoints of a VPC end so, too. */
const AWS_HOST = /(?:^|\.)(?:amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/;

/**
 * Whether two declarations name the same bucket of the same store, whose objects would then count twice: the store's name of
 * it is equal, and so is the store. Of a self-hosted one that is the endpoint, however it is written; region and account
 * are only said to it. Of AWS it is the partition, in which no two buckets have one name, whatever region and account
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
 */
export function isSameBucket(a: BucketPlace, b: BucketPlace): boolean {
  return a.bucket === b.bucket && storeOf(a) === storeOf(b);
}

/**
 * Leaves one of each bucket: the one that was declared first. `apply` refuses another one, but what is declared twice all the
 * same must not count twice.
 */
export function withoutSameBuckets<
  Bucket extends { readonly id: number; readonly declaration: BucketPlace },
>(buckets: readonly Bucket[]): readonly Bucket[] {
  const firsts = new Map<string, Bucket>();
  for (const bucket of buckets) {
    const { declaration } = bucket;
    const identity = JSON.stringify([storeOf(declaration), declaration.bucket]);
    const first = firsts.get(identity);
    if (first === undefined || bucket.id < first.id) firsts.set(identity, bucket);
  }
  const kept = new Set(firsts.values());
  return buckets.filter((bucket) => kept.has(bucket));
}

function storeOf({ endpoint, region }: BucketPlace): string {
  if (endpoint === undefined) return partitionOf(region);
  const { protocol, hostname, port, pathname } = new URL(endpoint);
  const host = hostname.replace(/\.$/, '');
  if (AWS_HOST.test(host)) return partitionOf(region);
  // What a URL leaves out of itself: capitals of the host, the port that the scheme has anyway.
  return `${protocol}//${host}:${port}${pathname.replace(/\/+$/, '')}`;
}

function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  return 'aws';
}
