import { recordAudit } from '@odometer/database/audit-log';
import type { AskedMeasurement } from '@odometer/database/measuring/asked-measurement';
import type { MeasurementRequest } from '@odometer/database/measuring/measurements';
import { findBucket, listBuckets } from '@odometer/database/objects/buckets';
import type { Pool } from '@odometer/database/pool';
import { OdometerError } from '@odometer/domain/errors';
import { type Command, Option } from 'commander';
import { actor } from '../actor.ts';
import { UnsatisfiedError } from '../failure.ts';
import { measureNow } from '../measuring/measure-now.ts';
import { printBuckets } from '../measuring/print-buckets.ts';
import { addCommand, type OutputOptions, print, printJson } from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { withQueues } from '../redis.ts';

interface ReconcileOptions extends OutputOptions {
  readonly dryRun?: boolean;
  readonly acceptDrift?: boolean;
}

export function addReconcile(program: Command): void {
  addCommand(
    program,
    'reconcile',
    'list buckets completely, and correct the ledger by what they hold; all buckets, or those named',
  )
    .argument('[bucket...]', 'declared names')
    .addOption(
      new Option('--dry-run', 'tell what would be corrected, and change nothing').conflicts(
        'acceptDrift',
      ),
    )
    .option(
      '--accept-drift',
      'take out what is not listed, whatever share of the named buckets it is',
    )
    .action(reconcile);
}

export function addBackfill(program: Command): void {
  const backfill = program
    .command('backfill')
    .description('fill the ledger with what was stored before it was declared');
  addCommand(
    backfill,
    's3',
    'list a bucket completely, and fill the ledger; takes nothing out, goes on where it stopped, is safe to repeat',
  )
    .argument('<bucket>', 'its declared name')
    .action(fill);
}

async function reconcile(
  buckets: readonly string[],
  { dryRun, acceptDrift, json }: ReconcileOptions,
  command: Command,
): Promise<void> {
  if (acceptDrift === true && buckets.length === 0) {
    command.error('error: name the buckets whose drift you accept', { exitCode: 2 });
  }
  const options = {
    ...(dryRun === true && { dryRun }),
    ...(acceptDrift === true && { acceptDrift }),
  };
  const measured = await measureBuckets(buckets, 'reconcile', options);
  showBuckets(measured, json);
}

async function fill(bucket: string, { json }: OutputOptions): Promise<void> {
  showBuckets(await measureBuckets([bucket], 'backfill', {}), json);
}

async function measureBuckets(
  names: readonly string[],
  purpose: MeasurementRequest['purpose'],
  options: MeasurementRequest['options'],
): Promise<readonly AskedMeasurement[]> {
  return withQueues((open) =>
    withPostgres(async (pool) => {
      const targets = await declaredBuckets(pool, names);
      if (options.acceptDrift === true) {
        for (const subject of targets) {
          await recordAudit(pool, { actor: actor(), action: 'bucket.accept_drift', subject });
        }
      }
      const wishes = targets.map(
        (target): MeasurementRequest => ({ kind: 'bucket', target, purpose, options }),
      );
      return measureNow(pool, open, wishes);
    }),
  );
}

/** @throws OdometerError `bucket_not_found` */
async function declaredBuckets(pool: Pool, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return (await listBuckets(pool)).map(({ name }) => name);
  for (const bucket of names) {
    if ((await findBucket(pool, bucket)) === undefined) {
      throw new OdometerError('bucket_not_found', { bucket });
    }
  }
  return [...new Set(names)];
}

function showBuckets(measured: readonly AskedMeasurement[], json: boolean | undefined): void {
  if (json) printJson(measured);
  else if (measured.length === 0) print('No bucket is declared.');
  else printBuckets(measured);
  if (measured.some(({ state }) => state !== 'complete')) {
    throw new UnsatisfiedError('some buckets were not measured');
  }
}
