import { installationId } from '@odometer/database/installation';
import { listBuckets } from '@odometer/database/objects/buckets';
import type { Queryable } from '@odometer/database/pool';
import {
  type BucketDeclaration,
  bucketDeclarationSchema,
} from '@odometer/domain/objects/bucket-declaration';
import { withoutSameBuckets } from '@odometer/domain/objects/same-bucket';
import type { Logger } from 'pino';

export interface DeclaredBucket {
  readonly id: number;
  readonly declaration: BucketDeclaration;
}

export interface BucketTable {
  /** Of the database that it was read from. */
  readonly installation: string;
  readonly declared: readonly DeclaredBucket[];
  /** Our names of the buckets whose declaration this version cannot read, by the store's. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/**
 * Makes the function that reads the declared buckets. One that this version cannot read, perhaps because a newer one wrote
 * it, is left out and logged, once for each time it changes; the others work. It is remembered as declared, though: what is
 * heard of it is kept as refused, and not dropped as that of a bucket which nobody declared.
 */
export function bucketReader(db: Queryable, log: Logger): () => Promise<BucketTable> {
  let reported = new Map<string, string>();
  return async () => {
    const installation = await installationId(db);
    const declared: DeclaredBucket[] = [];
    const unreadable = new Map<string, string>();
    const invalid = new Map<string, string>();
    for (const { id, name, declaration } of await listBuckets(db)) {
      const parsed = bucketDeclarationSchema.safeParse(declaration);
      if (parsed.success) {
        declared.push({ id, declaration: parsed.data });
        continue;
      }
      unreadable.set(storeName(declaration) ?? name, name);
      const text = JSON.stringify(declaration);
      invalid.set(name, text);
      if (reported.get(name) !== text) {
        const problems = parsed.error.issues.map(
          ({ path, message }) => `${path.join('.')}: ${message}`,
        );
        log.error({ event: 'bucket_declaration_invalid', bucket: name, problems });
      }
    }
    reported = invalid;
    // Of one that is declared twice, whatever it tells is of the first.
    return { installation, declared: withoutSameBuckets(declared), unreadable };
  };
}

function storeName(declaration: unknown): string | undefined {
  if (typeof declaration !== 'object' || declaration === null) return undefined;
  return 'bucket' in declaration && typeof declaration.bucket === 'string'
    ? declaration.bucket
    : undefined;
}
