import { isDeepStrictEqual } from 'node:util';
import { raiseCatalogueVersion } from '@odometer/database/meters/catalogue';
import {
  type BucketContents,
  bucketContents,
  findBucket,
  listBuckets,
  putBucket,
} from '@odometer/database/objects/buckets';
import { findRetiredBucket } from '@odometer/database/objects/retired-buckets';
import {
  type BucketDeclaration,
  bucketDeclarationSchema,
} from '@odometer/domain/objects/bucket-declaration';
import { isSameBucket } from '@odometer/domain/objects/same-bucket';
import { schemaProblems } from '@odometer/service-kit/schema-problems';
import { z } from 'zod';
import type { Parsed } from './declaration.ts';

/** Which bucket it is, as it is written: two spellings of one are as good as two buckets to whoever changes one. */
const IDENTITY = ['bucket', 'region', 'account', 'endpoint'] as const;
/** What its keys mean; objects are mapped again when one of these is changed. */
const MEANING = ['keys', 'types', 'organization', 'project'] as const;

const UNREADABLE =
  'it is declared by another version of Odometer and holds objects, so nobody knows what they would mean; use that version, or declare a bucket under another name';

const fields = z.record(z.string(), z.unknown());

/** A bucket whose objects are counted; the schema is the one that s3-usage-watcher and stats-worker read with. */
export function parseBucket(spec: unknown): Parsed {
  const parsed = bucketDeclarationSchema.safeParse(spec);
  if (!parsed.success) return schemaProblems(bucketDeclarationSchema, parsed.error);
  const declaration = parsed.data;
  const { name, ...desired } = declaration;
  return {
    label: `Bucket ${name}`,
    noun: 'bucket',
    subject: name,
    desired,
    changesCatalogue: true,
    read: async (db) => {
      const stored = await findBucket(db, name);
      if (stored === undefined) return undefined;
      const { data } = bucketDeclarationSchema.safeParse(stored.declaration);
      const { name: _name, ...current } = data ?? fields.parse(stored.declaration);
      return current;
    },
    refusals: async (_current, db) => {
      const stored = await findBucket(db, name);
      if (stored === undefined) return [];
      const { data: current } = bucketDeclarationSchema.safeParse(stored.declaration);
      const contents = await bucketContents(db, name);
      if (current !== undefined) return bucketRefusals(current, declaration, contents);
      return contents.hasObjects ? [UNREADABLE] : [];
    },
    missing: async (db) => {
      const retired = await findRetiredBucket(db, name);
      if (retired?.isEmptied === false) {
        return ['it is being retired; declare it anew once what was counted of it is taken out'];
      }
      const others = (await listBuckets(db)).flatMap(
        ({ declaration: other }) => bucketDeclarationSchema.safeParse(other).data ?? [],
      );
      return others
        .filter((other) => other.name !== name && isSameBucket(other, declaration))
        .map(
          (other) =>
            `the store’s bucket ${desired.bucket} is declared already, as ${other.name}: its objects would count twice`,
        );
    },
    write: async (transaction) => {
      await putBucket(transaction, declaration);
      await raiseCatalogueVersion(transaction);
    },
  };
}

function bucketRefusals(
  current: BucketDeclaration,
  desired: BucketDeclaration,
  { hasObjects, hasSequencers, sequencerForm }: BucketContents,
): readonly string[] {
  if (!hasObjects) return [];
  const differs = (field: keyof BucketDeclaration) =>
    !isDeepStrictEqual(current[field], desired[field]);
  const refusals = IDENTITY.filter(differs).map(
    (field) =>
      `${field} cannot be changed from ${current[field] ?? 'nothing'} to ${desired[field] ?? 'nothing'}, because what is counted under this name lies in the former; declare a bucket under another name`,
  );
  if (differs('ledger')) {
    refusals.push(
      `ledger cannot be changed from ${current.ledger} to ${desired.ledger} while it holds objects; declare a bucket under another name`,
    );
  } else if (current.ledger === 'hashed') {
    refusals.push(
      ...MEANING.filter(differs).map(
        (field) =>
          `${field} cannot be changed while the hashed ledger holds objects: their keys cannot be read again`,
      ),
    );
  }
  if (!hasSequencers) return refusals;
  if (differs('order')) {
    refusals.push(
      `order cannot be changed from ${current.order} to ${desired.order}, because what orders the objects so far does not compare with it`,
    );
  }
  const form = formOf(desired);
  if (sequencerForm !== null && form !== undefined && sequencerForm !== form) {
    refusals.push(
      `notifications.form cannot be changed from ${sequencerForm} to ${form}, because sequencers of the two do not compare`,
    );
  }
  return refusals;
}

/** Undefined: it is not notified of. */
function formOf({ notifications }: BucketDeclaration): string | undefined {
  return notifications.kind === 'none' ? undefined : notifications.form;
}
