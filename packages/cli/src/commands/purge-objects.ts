import { findBucket } from '@odometer/database/objects/buckets';
import type { Orphan } from '@odometer/database/objects/orphans';
import type { Pool } from '@odometer/database/pool';
import { findProject } from '@odometer/database/reading/projects';
import type { ProjectName } from '@odometer/database/registry';
import { OdometerError } from '@odometer/domain/errors';
import type { Command } from 'commander';
import { actor } from '../actor.ts';
import { projectName } from '../arguments.ts';
import { UnsatisfiedError } from '../failure.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableFigure,
  readableTime,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { startProgress } from '../progress.ts';
import { chooseOwners, type OrphanFilter, purgeToken } from '../purge/chosen-owners.ts';
import { orphanPages } from '../purge/orphan-pages.ts';

interface PurgeArguments extends OutputOptions {
  readonly project?: ProjectName;
  readonly bucket?: string;
  readonly roleArn?: string;
  readonly type?: string;
  readonly id?: string;
  readonly confirm?: string;
}

export function addPurgeObjects(program: Command): void {
  addCommand(
    program,
    'purge-objects',
    'show objects whose owners were deleted, and with --confirm delete them',
  )
    .option('--project <organization/project>', 'only those of this project', projectName)
    .option('--bucket <name>', 'only those in this bucket, by its declared name')
    .option(
      '--role-arn <arn>',
      'delete as this role; else with the credentials of your environment',
    )
    .option('--type <type>', 'only those of owners of this type')
    .option('--id <id>', 'only those of owners with this id')
    .option(
      '--confirm <token>',
      'delete what was shown with this token and these filters, for good',
      purgeToken,
    )
    .addHelpText(
      'after',
      '\nNeeds s3:DeleteObject, s3:DeleteObjectVersion and s3:GetBucketVersioning: rights that no service of Odometer has.',
    )
    .action(purgeObjects);
}

async function purgeObjects(options: PurgeArguments): Promise<void> {
  await withPostgres(async (pool) => {
    const filter = await filterOf(pool, options);
    if (options.confirm !== undefined) await purge(pool, filter, options.confirm, options);
    else await show(pool, filter, options);
  });
}

async function filterOf(
  pool: Pool,
  { project, bucket, type, id }: PurgeArguments,
): Promise<OrphanFilter> {
  const found = project && (await findProject(pool, project, null));
  if (project !== undefined && found === undefined) {
    const name = `${project.organization}/${project.project}`;
    throw new OdometerError('project_not_found', { project: name });
  }
  const stored = bucket === undefined ? undefined : await findBucket(pool, bucket);
  if (bucket !== undefined && stored === undefined) {
    throw new OdometerError('bucket_not_found', { bucket });
  }
  return {
    ...(found === undefined ? {} : { projectId: found.id }),
    ...(stored === undefined ? {} : { bucketId: stored.id }),
    ...(type === undefined ? {} : { objectType: type }),
    ...(id === undefined ? {} : { objectId: id }),
  };
}

/** What an owner has left behind in a bucket. */
interface Remains {
  readonly sample: Orphan;
  objects: number;
  bytes: bigint;
}

async function show(pool: Pool, filter: OrphanFilter, { json }: OutputOptions): Promise<void> {
  const remains = new Map<string, Remains>();
  const owners = await chooseOwners(pool, filter);
  for await (const page of orphanPages(pool, filter, owners)) {
    for (const orphan of page) {
      const { bucket, organization, project, objectType, objectId } = orphan;
      const key = JSON.stringify([bucket, organization, project, objectType, objectId]);
      const known = remains.get(key) ?? { sample: orphan, objects: 0, bytes: 0n };
      known.objects += 1;
      known.bytes += BigInt(orphan.sizeBytes);
      remains.set(key, known);
    }
  }
  const all = [...remains.values()];
  if (json) {
    printJson({
      confirm: owners.token,
      owners: all.map(({ sample, objects, bytes }) => ({
        bucket: sample.bucket,
        organization: sample.organization,
        project: sample.project,
        objectType: sample.objectType,
        objectId: sample.objectId,
        deletedAt: sample.deletedAt,
        recordedBy: sample.recordedBy,
        recordedAt: sample.recordedAt,
        objects,
        bytes,
      })),
    });
    return;
  }
  if (all.length === 0) return print('No object has lost its owner.');
  print(
    table(
      [
        'bucket',
        'project',
        'type',
        'id',
        'owner deleted',
        'said by',
        'said at',
        'objects',
        'bytes',
      ],
      all.map(({ sample, objects, bytes }) => [
        sample.bucket,
        `${sample.organization}/${sample.project}`,
        sample.objectType,
        sample.objectId,
        readableTime(sample.deletedAt),
        sample.recordedBy,
        readableTime(sample.recordedAt),
        readableFigure(String(objects)),
        readableFigure(String(bytes)),
      ]),
      [7, 8],
    ),
  );
  print(
    `\nNothing was deleted. With the same filters, and nothing that anybody says from now on, this deletes them for good:\n\n  --confirm ${owners.token}\n\nA mistaken word is taken back with DELETE /api/v1/projects/{id}/deleted-owners.`,
  );
}

async function purge(
  pool: Pool,
  filter: OrphanFilter,
  token: string,
  { roleArn, json }: PurgeArguments,
): Promise<void> {
  const progress = startProgress();
  // Loaded only here: the AWS SDK takes two seconds, which every other command would wait, too.
  const [{ AwsClients }, { purgeOrphans }] = await Promise.all([
    import('@odometer/aws/aws-clients'),
    import('../purge/purge-orphans.ts'),
  ]);
  const clients = new AwsClients();
  const { deleted, refused, refusals, hashed } = await purgeOrphans(pool, clients, {
    filter,
    token,
    roleArn,
    actor: actor(),
    onProgress: (count) => progress.tell(`${readableFigure(String(count))} objects deleted`),
  }).finally(async () => {
    progress.done();
    await clients.stop();
  });
  if (json) printJson({ deleted, refused, refusals, hashed });
  else {
    print(
      `${readableFigure(String(deleted))} objects were deleted; their bytes go with the next notification or listing.`,
    );
    if (hashed > 0) {
      print(
        `${readableFigure(String(hashed))} lie in buckets whose ledger is hashed: their keys are not known here.`,
      );
    }
    for (const { key, version, reason } of refusals) {
      print(`  refused: ${key}${version === '' ? '' : ` (${version})`}: ${reason}`);
    }
  }
  if (refused > 0) {
    const count = readableFigure(String(refused));
    throw new UnsatisfiedError(`the store refused to delete ${count} objects`);
  }
}
