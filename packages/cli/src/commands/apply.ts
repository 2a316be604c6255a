import { readFile } from 'node:fs/promises';
import { text as readStream } from 'node:stream/consumers';
import type { Command } from 'commander';
import { actor } from '../actor.ts';
import { applyDeclarations, type Change } from '../apply/apply-declarations.ts';
import { readDeclarations } from '../apply/read-declarations.ts';
import { askToAttributeUsage } from '../attribute-usage.ts';
import { addCommand, type OutputOptions, print, printJson } from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { type OpenQueue, withQueues } from '../redis.ts';

interface ApplyOptions extends OutputOptions {
  readonly filename: string;
  readonly dryRun?: boolean;
}

export function addApply(program: Command): void {
  addCommand(program, 'apply', 'make organizations, projects, meters and webhooks as a file says')
    .requiredOption('-f, --filename <file>', 'YAML documents; - reads standard input')
    .option('--dry-run', 'only show what would change')
    .action(applyFile);
}

async function applyFile(
  { filename, dryRun = false, json }: ApplyOptions,
  command: Command,
): Promise<void> {
  const text = await readInput(filename).catch((error: Error) =>
    command.error(`error: cannot read ${filename}: ${error.message}`),
  );
  const declarations = readDeclarations(filename, text);
  const apply = () =>
    withPostgres((pool) =>
      applyDeclarations(pool, declarations, { file: filename, dryRun, actor: actor() }),
    );
  const registers = !dryRun && declarations.some((declaration) => declaration.registers);
  // Redis is needed only when kept usage may have found its project; and then before anything is changed.
  const changes = registers
    ? await withQueues(async (open) => askForKeptUsage(open, await apply()))
    : await apply();
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

function readInput(filename: string): Promise<string> {
  return filename === '-' ? readStream(process.stdin) : readFile(filename, 'utf8');
}

async function askForKeptUsage(
  open: OpenQueue,
  changes: readonly Change[],
): Promise<readonly Change[]> {
  // Of unchanged projects too: the last run may have ended before it could ask.
  await askToAttributeUsage(
    open,
    changes.flatMap(({ declaration: { registers } }) => (registers ? [registers] : [])),
  );
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
