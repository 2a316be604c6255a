import { dueCountBacks } from '@odometer/database/meters/count-back';
import { bucketsToMap } from '@odometer/database/objects/buckets';
import type { Pool } from '@odometer/database/pool';
import type { Command } from 'commander';
import { actor } from '../actor.ts';
import { applyDeclarations, type Change } from '../apply/apply-declarations.ts';
import { readDeclarationFiles } from '../apply/read-declarations.ts';
import { readInput } from '../apply/read-input.ts';
import { attributeUsage } from '../attribute-usage.ts';
import { askToCountBack } from '../count-back.ts';
import { askToMapObjects } from '../map-objects.ts';
import { addCommand, type OutputOptions, print, printJson } from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { type OpenQueue, withQueues } from '../redis.ts';

interface ApplyOptions extends OutputOptions {
  readonly filename: string;
  readonly dryRun?: boolean;
}

export function addApply(program: Command): void {
  addCommand(
    program,
    'apply',
    'make organizations, projects, meters, plans, webhooks and buckets as a file says',
  )
    .requiredOption(
      '-f, --filename <file>',
      'YAML documents; a folder of them; - reads standard input',
    )
    .option('--dry-run', 'only show what would change')
    .action(applyFile);
}

async function applyFile(
  { filename, dryRun = false, json }: ApplyOptions,
  command: Command,
): Promise<void> {
  const files = await readInput(filename).catch((error: Error) =>
    command.error(`error: cannot read ${filename}: ${error.message}`),
  );
  const declarations = readDeclarationFiles(filename, files);
  const apply = (pool: Pool) =>
    applyDeclarations(pool, declarations, { file: filename, dryRun, actor: actor() });
  const needsWorker =
    !dryRun &&
    declarations.some(({ registers, changesCatalogue }) => registers ?? changesCatalogue);
  // Redis is needed only when earlier usage may have found its project or its meter; and then before anything is changed.
  const changes = needsWorker
    ? await withQueues((open) =>
        withPostgres(async (pool) => askForEarlierUsage(open, pool, await apply(pool))),
      )
    : await withPostgres(apply);
  if (json) {
    return printJson({
      dryRun,
      changes: changes.map(({ declaration: { label }, action, fields }) => ({
        label,
        action,
        fields,
      })),
    });
  }
  print(changes.flatMap((change) => changeText(change, dryRun)).join('\n'));
}

async function askForEarlierUsage(
  open: OpenQueue,
  pool: Pool,
  changes: readonly Change[],
): Promise<readonly Change[]> {
  // Of what is unchanged too: the last run may have ended before it could ask.
  await attributeUsage(
    open,
    changes.flatMap(({ declaration: { registers } }) => (registers ? [registers] : [])),
  );
  await askToCountBack(open, await dueCountBacks(pool));
  await askToMapObjects(open, await bucketsToMap(pool));
  return changes;
}

const DONE = { create: 'created', update: 'changed', unchanged: 'unchanged' } as const;
const WOULD = {
  create: 'would be created',
  update: 'would change',
  unchanged: 'unchanged',
} as const;

function changeText({ declaration, action, fields }: Change, dryRun: boolean): readonly string[] {
  const headline = `${declaration.label}: ${(dryRun ? WOULD : DONE)[action]}`;
  if (action === 'unchanged') return [headline];
  return [
    headline,
    ...fields.map(({ field, from, to }) =>
      action === 'create'
        ? `  + ${field}: ${JSON.stringify(to)}`
        : `  ~ ${field}: ${JSON.stringify(from ?? null)} → ${JSON.stringify(to ?? null)}`,
    ),
  ];
}
