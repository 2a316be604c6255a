import { buildVersion } from '@odometer/service-kit/version';
import { Command } from 'commander';
import { addAdjustments } from './commands/adjustments.ts';
import { addApply } from './commands/apply.ts';
import { addBooks } from './commands/books.ts';
import { addBuckets } from './commands/buckets.ts';
import { addClose } from './commands/close.ts';
import { addDeadLetters } from './commands/dead-letters.ts';
import { addGaps } from './commands/gaps.ts';
import { addKeys } from './commands/keys.ts';
import { addLimits } from './commands/limits.ts';
import { addMeasure } from './commands/measure.ts';
import { addMeters } from './commands/meters.ts';
import { addMigrate } from './commands/migrate.ts';
import { addPeriods } from './commands/periods.ts';
import { addPlans } from './commands/plans.ts';
import { addPosthoc } from './commands/posthoc.ts';
import { addPreflight } from './commands/preflight.ts';
import { addProjects } from './commands/projects.ts';
import { addPull } from './commands/pull.ts';
import { addPurgeObjects } from './commands/purge-objects.ts';
import { addBackfill, addReconcile } from './commands/reconcile.ts';
import { addRetire } from './commands/retire.ts';
import { addSnapshot } from './commands/snapshot.ts';
import { addUsage } from './commands/usage.ts';
import { addVerify } from './commands/verify.ts';
import { addSmoke } from './smoke/smoke.ts';

/** The `odometer` command with all its subcommands. */
export function createProgram(): Command {
  const program = new Command('odometer')
    .description('Counts what every project uses, and proves the count')
    .version(buildVersion())
    // Thrown instead of process.exit, so that main decides on the exit code.
    .exitOverride()
    .showHelpAfterError('(odometer --help shows how it is used)')
    .addHelpText(
      'after',
      `
Exit codes: 0 done; 1 failed, or something is not as it should be; 2 wrong usage; 78 wrong configuration.
Configuration: DATABASE_URL (or PG*), REDIS_URL, MQTT_URL; \`make up\` writes them to .odometer/env.`,
    );
  addMigrate(program);
  addPreflight(program);
  addSmoke(program);
  addApply(program);
  addKeys(program);
  addProjects(program);
  addMeters(program);
  addPlans(program);
  addLimits(program);
  addUsage(program);
  addPeriods(program);
  addClose(program);
  addVerify(program);
  addAdjustments(program);
  addBuckets(program);
  addMeasure(program);
  addReconcile(program);
  addBackfill(program);
  addPurgeObjects(program);
  addPosthoc(program);
  addPull(program);
  addRetire(program);
  addSnapshot(program);
  addBooks(program);
  addGaps(program);
  addDeadLetters(program);
  return program;
}
