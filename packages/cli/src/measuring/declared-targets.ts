import { listMeasuredTargets } from '@odometer/database/measuring/measured-targets';
import { listBuckets } from '@odometer/database/objects/buckets';
import type { Queryable } from '@odometer/database/pool';
import type { ProjectName } from '@odometer/database/registry';
import type { TargetKind } from '@odometer/domain/measured-target';
import { bucketDeclarationSchema } from '@odometer/domain/objects/bucket-declaration';
import { registryDeclarationSchema } from '@odometer/domain/registries/registry-declaration';

/** What people call what can be measured. */
export type TargetName = 's3' | 'ecr' | 'oci' | 'sql' | 'cross-check';

export interface DeclaredTarget {
  readonly kind: TargetKind;
  readonly name: string;
}

/** Whose something is by its declaration; what it leaves open is told by keys and names. */
interface DeclaredOwner {
  readonly organization?: string | undefined;
  readonly project?: string | undefined;
}

/**
 * Declared targets of a kind, or of all.
 *
 * One whose declaration this version cannot read is among them, whatever it may be: measuring it says so, and holds up
 * nothing else.
 *
 * @param project only those that may hold something of it. What a SQL reading has nobody knows before it is read.
 */
export async function declaredTargets(
  db: Queryable,
  wanted: TargetName | undefined,
  project: ProjectName | undefined,
): Promise<readonly DeclaredTarget[]> {
  const isWanted = (name: TargetName) => wanted === undefined || wanted === name;
  const mayHold = (owners: readonly DeclaredOwner[]) =>
    project === undefined ||
    owners.some(
      (owner) =>
        (owner.organization ?? project.organization) === project.organization &&
        (owner.project ?? project.project) === project.project,
    );
  const targets: DeclaredTarget[] = [];
  if (isWanted('s3')) {
    for (const { name, declaration } of await listBuckets(db)) {
      const { data } = bucketDeclarationSchema.safeParse(declaration);
      if (mayHold([data ?? {}])) targets.push({ kind: 'bucket', name });
    }
  }
  for (const { name, declaration } of await listMeasuredTargets(db, 'registry')) {
    const { data } = registryDeclarationSchema.safeParse(declaration);
    const isOfKind = data === undefined ? isWanted('ecr') || isWanted('oci') : isWanted(data.type);
    if (isOfKind && mayHold(data?.owners ?? [{}])) targets.push({ kind: 'registry', name });
  }
  if (isWanted('sql')) {
    for (const { name } of await listMeasuredTargets(db, 'reading')) {
      targets.push({ kind: 'reading', name });
    }
  }
  // A cross-check is of all that a broker or an account has counted, and holds nothing of anybody.
  if (isWanted('cross-check') && project === undefined) {
    for (const { name } of await listMeasuredTargets(db, 'cross_check')) {
      targets.push({ kind: 'cross_check', name });
    }
  }
  return targets;
}
