import { finalMonths, type Verification, verifyMonth } from '@odometer/database/periods/verify';
import type { Difference } from '@odometer/database/periods/verify-projects';
import type { Pool } from '@odometer/database/pool';
import { findPeriod } from '@odometer/database/reading/periods';
import { OdometerError } from '@odometer/domain/errors';
import type { Command } from 'commander';
import { slug } from '../arguments.ts';
import { UnsatisfiedError } from '../failure.ts';
import { addCommand, type OutputOptions, print, printJson, table } from '../output.ts';
import { month, monthText } from '../period-arguments.ts';
import { withPostgres } from '../postgres.ts';
import { startProgress } from '../progress.ts';

/** Of a table; who needs all of them has a program to read them. */
const MOST_DIFFERENCES = 200;

interface VerifyOptions extends OutputOptions {
  readonly organization?: string;
  readonly all?: boolean;
}

interface VerifiedMonth extends Verification {
  /** `YYYY-MM` */
  readonly month: string;
}

export function addVerify(program: Command): void {
  addCommand(
    program,
    'verify',
    'recompute final months and compare them with their manifests; fails when they differ',
  )
    .argument('[month]', 'YYYY-MM', month)
    .option('--all', 'every month that is final for somebody')
    .option('--organization <slug>', 'of one organization only', slug)
    .action(verify);
}

async function verify(
  monthMs: number | undefined,
  options: VerifyOptions,
  command: Command,
): Promise<void> {
  if ((monthMs === undefined) !== (options.all === true)) {
    command.error('error: name a month, like 2026-10, or --all of them', { exitCode: 2 });
  }
  const months = await withPostgres((pool) => verifyMonths(pool, monthMs, options.organization));
  if (options.json) printJson(months.map(verifiedJson));
  else printMonths(months);
  if (months.some(({ differences }) => differences.length > 0)) {
    throw new UnsatisfiedError('a final month is not what it was');
  }
}

async function verifyMonths(
  pool: Pool,
  monthMs: number | undefined,
  organization: string | undefined,
): Promise<readonly VerifiedMonth[]> {
  const progress = startProgress();
  const verified: VerifiedMonth[] = [];
  try {
    for (const each of monthMs === undefined ? await finalMonths(pool) : [monthMs]) {
      const month = monthText(each);
      const onProgress = (projects: number) => progress.tell(`${month}: ${projects} projects`);
      const verification = await verifyMonth(pool, each, { organization, onProgress });
      if (verification.organizations > 0) verified.push({ month, ...verification });
      else if (monthMs !== undefined) await refuseUnfinal(pool, month, organization);
    }
  } finally {
    progress.done();
  }
  return verified;
}

async function refuseUnfinal(
  pool: Pool,
  month: string,
  organization: string | undefined,
): Promise<never> {
  if (organization !== undefined && (await findPeriod(pool, organization, month)) === undefined) {
    throw new OdometerError('organization_not_found', { organization });
  }
  throw new OdometerError('month_not_final', { month, whom: organization ?? 'anybody' });
}

function verifiedJson({ differences, ...verified }: VerifiedMonth) {
  return { ...verified, equal: differences.length === 0, differences };
}

function printMonths(months: readonly VerifiedMonth[]): void {
  if (months.length === 0) print('No month is final yet.');
  for (const { month, organizations, projects, differences } of months) {
    const what = `${organizations} organization(s), ${projects} project(s)`;
    if (differences.length === 0) {
      print(`${month}: equal (${what})`);
      continue;
    }
    print(`${month}: ${differences.length} difference(s) (${what})\n`);
    print(
      table(
        ['organization', 'project', 'meter', 'compared', 'stored', 'found'],
        differences.slice(0, MOST_DIFFERENCES).map(row),
      ),
    );
    const more = differences.length - MOST_DIFFERENCES;
    if (more > 0) print(`and ${more} more: --json has all of them`);
    print('');
  }
}

function row(difference: Difference): readonly string[] {
  const { organization, project, meter, compared, stored, found } = difference;
  return [organization, project ?? '', meter ?? '', compared, stored ?? 'none', found ?? 'none'];
}
