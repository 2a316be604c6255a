import { listBuckets, type StoredBucket } from '@odometer/database/objects/buckets';
import {
  type BucketDeclaration,
  bucketDeclarationSchema,
} from '@odometer/domain/objects/bucket-declaration';
import {
  type KeyPattern,
  type KeyTemplate,
  parseKeyPattern,
  parseKeyTemplate,
} from '@odometer/domain/objects/key-template';
import { withoutSameBuckets } from '@odometer/domain/objects/same-bucket';
import { VersionedCatalogue } from '../versioned-catalogue.ts';

/** A declared bucket, ready to say whose an object is. */
export interface DeclaredBucket {
  readonly id: number;
  readonly declaration: BucketDeclaration;
  readonly mappingVersion: number;
  /** Nothing that lies in it is counted from before this. */
  readonly declaredAtMs: number;
  readonly template: KeyTemplate;
  readonly patterns: readonly KeyPattern[];
}

/** The declared buckets, by id. One that is declared twice is in it once. */
export class BucketCatalogue extends VersionedCatalogue<ReadonlyMap<number, DeclaredBucket>> {
  constructor() {
    super(async (transaction) => {
      const buckets = (await listBuckets(transaction)).flatMap(
        (stored) => readyBucket(stored) ?? [],
      );
      return new Map(withoutSameBuckets(buckets).map((bucket) => [bucket.id, bucket]));
    });
  }
}

/** Undefined when its declaration is none: whoever declares validates, and one that is wrong must stop no other. */
export function readyBucket({
  id,
  declaration,
  mappingVersion,
  declaredAt,
}: StoredBucket): DeclaredBucket | undefined {
  const { data } = bucketDeclarationSchema.safeParse(declaration);
  if (data === undefined) return undefined;
  const template = parseKeyTemplate(data.keys);
  if (typeof template === 'string') return undefined;
  const patterns = data.types.flatMap(({ pattern, type }) => {
    const parsed = parseKeyPattern(pattern, type);
    return typeof parsed === 'string' ? [] : [parsed];
  });
  const declaredAtMs = declaredAt.getTime();
  return { id, declaration: data, mappingVersion, declaredAtMs, template, patterns };
}
