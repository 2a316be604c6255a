import { migrate } from '@odometer/database/migrate';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { onceReady } from '../once-ready.ts';
import { addCommand, type OutputOptions, print, printJson } from '../output.ts';
import { translatingOutages, withPostgres } from '../postgres.ts';
import { startProgress } from '../progress.ts';
import { readPostgresSettings } from '../settings.ts';

interface MigrateOptions extends OutputOptions {
  readonly check?: boolean;
  readonly wait?: number;
}

export function addMigrate(program: Command): void {
  addCommand(program, 'migrate', 'bring the database schema up to this version')
    .option('--check', 'change nothing; fail unless the schema is this version’s')
    .option(
      '--wait <seconds>',
      'how long to wait for Postgres to answer; with --check for the schema, too',
      wholeNumber,
    )
    .action(async ({ check = false, wait = 0, json }: MigrateOptions) => {
      const { databaseUrl } = readPostgresSettings();
      const progress = startProgress();
      progress.tell(
        check
          ? 'looking at the schema'
          : 'migrating (another migration that is running is waited for)',
      );
      const applied = await onceReady(
        () => (check ? checked() : translatingOutages(() => migrate(databaseUrl))),
        wait * 1_000,
        (reason) => process.stderr.write(`odometer: waiting, for up to ${wait} s: ${reason}\n`),
      ).finally(() => progress.done());
      if (json) printJson({ applied });
      else if (applied.length === 0) print('The schema is up to date.');
      else print(['Applied:', ...applied.map((name) => `  ${name}`)].join('\n'));
    });
}

/** Nothing is applied by looking. */
async function checked(): Promise<readonly string[]> {
  return withPostgres(async () => []);
}
