import { findPeriod, listPeriods, type PeriodRow } from '@odometer/database/reading/periods';
import { OdometerError } from '@odometer/domain/errors';
import { jsonFigure } from '@odometer/domain/json-figure';
import { type Command, Option } from 'commander';
import { slug, wholeNumber } from '../arguments.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableFigure,
  readableTime,
  table,
} from '../output.ts';
import { month, monthText } from '../period-arguments.ts';
import { withPostgres } from '../postgres.ts';

interface ListOptions extends OutputOptions {
  readonly organization?: string;
  readonly month?: number;
  readonly state?: string;
  readonly limit: number;
}

export function addPeriods(program: Command): void {
  const periods = program
    .command('periods')
    .description('months of organizations: draft, closing, final; `odometer close` closes them');
  addCommand(periods, 'list', 'show months that have ended, newest first', { isDefault: true })
    .option('--organization <slug>', 'of one organization only', slug)
    .option('--month <month>', 'YYYY-MM', month)
    .addOption(
      new Option('--state <state>', 'how far it is').choices(['draft', 'closing', 'final']),
    )
    .option('--limit <count>', 'how many at most', wholeNumber, 50)
    .action(list);
  addCommand(periods, 'show', 'show a month with its manifest')
    .argument('<organization>', 'its slug', slug)
    .argument('<month>', 'YYYY-MM', month)
    .action(show);
}

async function list({ json, organization, month, state, limit }: ListOptions): Promise<void> {
  const periods = await withPostgres((pool) =>
    listPeriods(pool, {
      organization: organization ?? null,
      state,
      month: month === undefined ? undefined : monthText(month),
      after: undefined,
      limit,
    }),
  );
  if (json) return printJson(periods.map(periodJson));
  if (periods.length === 0) return print('There are none; a month has no row until it has ended.');
  print(
    table(
      ['month', 'organization', 'state', 'due', 'cutoff', 'final', 'overage', '', 'held up by'],
      periods.map((period) => [
        period.month,
        period.organization,
        period.forcedBy === null ? period.state : `${period.state} (forced)`,
        readableTime(period.dueAt),
        readableTime(period.closingAt),
        readableTime(period.finalAt),
        charge(period),
        period.currency === null ? '' : `minor units of ${period.currency}`,
        period.heldUpBy.join('; '),
      ]),
      [6],
    ),
  );
}

async function show(organization: string, monthMs: number, { json }: OutputOptions): Promise<void> {
  const period = await withPostgres((pool) => findPeriod(pool, organization, monthText(monthMs)));
  if (period === undefined) throw new OdometerError('organization_not_found', { organization });
  if (json) return printJson(periodJson(period));
  const { manifest, charges, heldUpBy, exceededLimits, forcedBy, forcedReason } = period;
  const facts: readonly (readonly [string, string])[] = [
    ['organization', period.organization],
    ['month', period.month],
    ['state', period.state],
    ['drafted', readableTime(period.draftedAt)],
    ['due', readableTime(period.dueAt)],
    ['cutoff', readableTime(period.closingAt)],
    ['final', readableTime(period.finalAt)],
    ['held up by', heldUpBy.join('; ')],
    ['forced', forcedBy === null ? '' : `by ${forcedBy}: ${forcedReason ?? ''}`],
    ['exceeded limits', exceededLimits.join(', ')],
    [
      'overage',
      period.currency === null ? '' : `${charge(period)} minor units of ${period.currency}`,
    ],
  ];
  print(
    table(
      ['', ''],
      facts.filter(([, value]) => value !== ''),
    ).trimStart(),
  );
  if (Array.isArray(charges) && charges.length > 0) {
    print(`\ncharges of the organization's own limits\n${JSON.stringify(charges, null, 2)}`);
  }
  print(
    manifest === null
      ? '\nThere is no manifest until it is final.'
      : `\nmanifest\n${JSON.stringify(manifest, null, 2)}`,
  );
}

/** Of the organization's own limits and of its projects'. Whole minor units, so that bigint is exact. */
function charge({ overageCharge, projectsOverageCharge }: PeriodRow): string {
  return readableFigure(String(BigInt(overageCharge) + BigInt(projectsOverageCharge)));
}

function periodJson<Row extends PeriodRow>(period: Row) {
  const { overageCharge, projectsOverageCharge, ...rest } = period;
  return {
    ...rest,
    overageCharge: jsonFigure(overageCharge),
    projectsOverageCharge: jsonFigure(projectsOverageCharge),
  };
}
