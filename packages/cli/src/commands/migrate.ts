import { migrate } from '@odometer/database/migrate';
import type { Command } from 'commander';
import { addCommand, type OutputOptions, print, printJson } from '../output.ts';
import { translatingOutages } from '../postgres.ts';
import { startProgress } from '../progress.ts';
import { readPostgresSettings } from '../settings.ts';

export function addMigrate(program: Command): void {
  addCommand(program, 'migrate', 'bring the database schema up to this version').action(
    async ({ json }: OutputOptions) => {
      const { databaseUrl } = readPostgresSettings();
      const progress = startProgress();
      progress.tell('migrating (another migration that is running is waited for)');
      const applied = await translatingOutages(() => migrate(databaseUrl)).finally(() =>
        progress.done(),
      );
      if (json) printJson({ applied });
      else if (applied.length === 0) print('The schema is up to date.');
      else print(['Applied:', ...applied.map((name) => `  ${name}`)].join('\n'));
    },
  );
}
