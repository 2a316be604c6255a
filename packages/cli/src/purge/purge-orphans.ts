import type { AwsClients } from '@odometer/aws/aws-clients';
import { recordAudit } from '@odometer/database/audit-log';
import { listBuckets } from '@odometer/database/objects/buckets';
import type { Orphan } from '@odometer/database/objects/orphans';
import type { Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import {
  type BucketDeclaration,
  bucketDeclarationSchema,
} from '@odometer/domain/objects/bucket-declaration';
import { chooseShownOwners, type OrphanFilter } from './chosen-owners.ts';
import { type DeletedObjects, deleteObjects, knowsVersions } from './delete-objects.ts';
import { orphanPages } from './orphan-pages.ts';

/** Of refused objects; a store that refuses one mostly refuses all, and of a million nobody reads more. */
const KEPT_REFUSALS = 5;

export interface PurgeOptions {
  readonly filter: OrphanFilter;
  /** What was shown: see chooseShownOwners. */
  readonly token: string;
  /** As whom; undefined: as whoever runs the command. Never as the role of the bucket's declaration, which only reads. */
  readonly roleArn: string | undefined;
  readonly actor: string;
  readonly onProgress: (deleted: number) => void;
}

/** What became of orphans. */
export interface Purged {
  readonly deleted: number;
  /** How many the store refused to delete, or lie in buckets whose declaration this version cannot read. */
  readonly refused: number;
  /** The first of them, each with its reason. */
  readonly refusals: DeletedObjects['refused'];
  /** Those whose keys are hashed cannot be named, and so not be deleted. */
  readonly hashed: number;
}

/**
 * Deletes orphans from their buckets, those of the owners that were shown. The ledger learns of it as of any delete: by
 * notification, or the next listing. Safe to repeat with the same token after an interruption.
 *
 * @throws OdometerError `purge_not_as_shown`: nothing was deleted; or nothing more, when keys came to mean something else meanwhile.
 * @throws OdometerError `target_…` when a store cannot be reached; what was deleted before is deleted.
 */
export async function purgeOrphans(
  pool: Pool,
  clients: AwsClients,
  { filter, token, roleArn, actor, onProgress }: PurgeOptions,
): Promise<Purged> {
  const owners = await chooseShownOwners(pool, filter, token);
  const buckets = await declarations(pool);
  let deleted = 0;
  let hashed = 0;
  let refused = 0;
  const refusals: DeletedObjects['refused'][number][] = [];
  const versioned = new Map<number, boolean>();
  for await (const page of orphanPages(pool, filter, owners)) {
    if (!(await owners.isMeaningUnchanged())) {
      throw new OdometerError('purge_not_as_shown', {
        deleted: `${deleted} objects were deleted and no more`,
      });
    }
    for (const [bucketId, orphans] of byBucket(page)) {
      const declaration = buckets.get(bucketId);
      if (declaration === undefined) {
        refused += orphans.length;
        refusals.push(...orphans.slice(0, KEPT_REFUSALS - refusals.length).map(undeclared));
        continue;
      }
      if (declaration.ledger === 'hashed') {
        hashed += orphans.length;
        continue;
      }
      const { region, endpoint, forcePathStyle, account } = declaration;
      const s3 = clients.s3({ region, endpoint, forcePathStyle, account, roleArn });
      const { bucket } = declaration;
      const hasVersions = versioned.get(bucketId) ?? (await knowsVersions(s3, bucket));
      versioned.set(bucketId, hasVersions);
      const outcome = await deleteObjects(s3, bucket, hasVersions, orphans);
      deleted += outcome.deleted;
      refused += outcome.refused.length;
      refusals.push(...outcome.refused.slice(0, KEPT_REFUSALS - refusals.length));
      await recordAudit(pool, {
        actor,
        action: 'orphans.purge',
        subject: declaration.name,
        detail: { deleted: outcome.deleted, refused: outcome.refused.length },
      });
      onProgress(deleted);
    }
  }
  return { deleted, refused, refusals, hashed };
}

async function declarations(pool: Pool): Promise<ReadonlyMap<number, BucketDeclaration>> {
  const stored = await listBuckets(pool);
  return new Map(
    stored.flatMap(({ id, declaration }) => {
      const { data } = bucketDeclarationSchema.safeParse(declaration);
      return data === undefined ? [] : [[id, data] as const];
    }),
  );
}

function undeclared({ key, version }: Orphan): DeletedObjects['refused'][number] {
  return { key, version, reason: 'its bucket is declared by another version of Odometer' };
}

function byBucket(orphans: readonly Orphan[]): ReadonlyMap<number, readonly Orphan[]> {
  const groups = new Map<number, Orphan[]>();
  for (const orphan of orphans) {
    const group = groups.get(orphan.bucketId);
    if (group === undefined) groups.set(orphan.bucketId, [orphan]);
    else group.push(orphan);
  }
  return groups;
}
