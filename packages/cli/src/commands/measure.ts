import { recordAudit } from '@odometer/database/audit-log';
import type { MeasurementRequest } from '@odometer/database/measuring/measurements';
import { readProjectStorage } from '@odometer/database/objects/project-storage';
import type { Pool } from '@odometer/database/pool';
import { findProject } from '@odometer/database/reading/projects';
import type { ProjectName } from '@odometer/database/registry';
import { OdometerError } from '@odometer/domain/errors';
import { type Command, InvalidArgumentError } from 'commander';
import { actor } from '../actor.ts';
import { instant, projectName } from '../arguments.ts';
import { UnsatisfiedError } from '../failure.ts';
import { askedHours, refuseWithoutHours } from '../measuring/asked-hours.ts';
import {
  type DeclaredTarget,
  declaredTargets,
  type TargetName,
} from '../measuring/declared-targets.ts';
import { measureNow } from '../measuring/measure-now.ts';
import { printFailures } from '../measuring/print-buckets.ts';
import { printCrossChecks } from '../measuring/print-cross-checks.ts';
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
import { withQueues } from '../redis.ts';

const KINDS: readonly TargetName[] = ['s3', 'ecr', 'oci', 'sql', 'cross-check'];

interface MeasureOptions extends OutputOptions {
  readonly project?: ProjectName;
  readonly from?: number;
  readonly to?: number;
  readonly acceptDrift?: boolean;
}

export function addMeasure(program: Command): void {
  addCommand(
    program,
    'measure',
    'measure buckets, registries and SQL readings, or make cross-checks, now, and wait for it',
  )
    .argument('[kind]', 's3, ecr, oci, sql or cross-check; all of them when it is left out', kindOf)
    .argument('[target...]', 'declared names; all of the kind when they are left out')
    .option(
      '--project <organization/project>',
      'only what may hold something of it, and then show what it has stored',
      projectName,
    )
    .option(
      '--from <hour>',
      'read the hours of the named SQL readings again from here on, 2026-10-01T10:00Z',
      instant,
    )
    .option('--to <hour>', 'up to here; without it, up to now', instant)
    .option(
      '--accept-drift',
      'take what the named registries hold, whatever share of their images is gone',
    )
    .action(measure);
}

function kindOf(text: string): TargetName {
  const kind = KINDS.find((each) => each === text);
  if (kind === undefined)
    throw new InvalidArgumentError(`It should be one of ${KINDS.join(', ')}.`);
  return kind;
}

async function measure(
  kind: TargetName | undefined,
  names: readonly string[],
  { project, json, acceptDrift = false, ...hours }: MeasureOptions,
  command: Command,
): Promise<void> {
  const options = { ...askedHours(hours, Date.now()), ...(acceptDrift && { acceptDrift }) };
  const isAsked = hours.from !== undefined;
  if (isAsked && (kind !== 'sql' || names.length === 0)) {
    command.error('error: name the readings to read again: measure sql NAME --from …', {
      exitCode: 2,
    });
  }
  if (acceptDrift && ((kind !== 'ecr' && kind !== 'oci') || names.length === 0)) {
    command.error(
      'error: name the registries whose drift you accept: measure oci NAME --accept-drift; of buckets: reconcile NAME --accept-drift',
      { exitCode: 2 },
    );
  }
  const { measured, stored } = await withQueues((open) =>
    withPostgres(async (pool) => {
      const projectId = project === undefined ? undefined : await idOf(pool, project);
      const targets = (await declaredTargets(pool, kind, project)).filter(
        ({ name }) => names.length === 0 || names.includes(name),
      );
      refuseUnknown(names, targets);
      if (isAsked) await refuseWithoutHours(pool, targets);
      if (acceptDrift) {
        for (const { name: subject } of targets) {
          await recordAudit(pool, { actor: actor(), action: 'registry.accept_drift', subject });
        }
      }
      const wishes = targets.map(
        ({ kind: targetKind, name }): MeasurementRequest => ({
          kind: targetKind,
          target: name,
          purpose: 'asked',
          options,
        }),
      );
      const measured = await measureNow(pool, open, wishes);
      const stored =
        projectId === undefined ? undefined : await readProjectStorage(pool, projectId);
      return { measured, stored };
    }),
  );
  if (json) printJson(stored === undefined ? measured : { measured, stored });
  else {
    if (measured.length === 0) print('Nothing of the kind is declared.');
    else {
      print(
        table(
          ['kind', 'target', 'state', 'measured'],
          measured.map((each) => [
            each.kind,
            each.target,
            each.state,
            readableTime(each.finishedAt),
          ]),
        ),
      );
      printFailures(measured);
      printCrossChecks(measured);
    }
    if (stored !== undefined) {
      print('');
      print(
        table(
          ['stored', 'bytes', 'objects'],
          stored.map(({ where, type, bytes, objects }) => [
            `${where} ${type}`,
            readableFigure(bytes),
            readableFigure(objects),
          ]),
          [1, 2],
        ),
      );
    }
  }
  if (measured.some(({ state }) => state !== 'complete')) {
    throw new UnsatisfiedError('some targets were not measured');
  }
}

function refuseUnknown(names: readonly string[], targets: readonly DeclaredTarget[]): void {
  const unknown = names.find((name) => !targets.some((target) => target.name === name));
  if (unknown !== undefined) throw new OdometerError('target_not_declared', { target: unknown });
}

async function idOf(pool: Pool, { organization, project }: ProjectName): Promise<string> {
  const found = await findProject(pool, { organization, project }, null);
  if (found === undefined) {
    throw new OdometerError('project_not_found', { project: `${organization}/${project}` });
  }
  return found.id;
}
