import type { Command } from 'commander';
import { Option } from 'commander';
import { slug } from '../arguments.ts';
import { type ClosedMonth, closeMonth } from '../closing/close-month.ts';
import { previewClose } from '../closing/preview-close.ts';
import { printPreview } from '../closing/print-preview.ts';
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
import { month } from '../period-arguments.ts';

interface CloseOptions extends OutputOptions {
  readonly month: number;
  readonly organization?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly reason?: string;
}

export function addClose(program: Command): void {
  addCommand(program, 'close', 'close a month now, as far as it can be; fails when some is held up')
    .requiredOption('--month <month>', 'YYYY-MM, UTC', month)
    .option('--organization <slug>', 'look at one organization only', slug)
    .addOption(
      new Option(
        '--dry-run',
        'only show what it would come to, also of the running month',
      ).conflicts('force'),
    )
    .option('--force', 'do not wait for grace, queues or dead letters; demands --reason')
    .option('--reason <text>', 'why it is forced, for the audit log')
    .action(close);
}

async function close(options: CloseOptions, command: Command): Promise<void> {
  const { month: monthMs, organization, json } = options;
  const reason = options.reason?.trim();
  if ((options.force === true) !== (reason !== undefined && reason !== '')) {
    const error = 'error: --force and --reason TEXT belong together, for the audit log';
    command.error(error, { exitCode: 2 });
  }
  if (options.dryRun) {
    const preview = await previewClose(monthMs, organization);
    return json ? printJson(preview) : printPreview(preview);
  }
  const closed = await closeMonth({ monthMs, organization, reason });
  if (json) printJson(closed);
  else printClosed(closed);
  if (closed.some(({ state }) => state !== 'final')) {
    throw new UnsatisfiedError('some months are not final');
  }
}

function printClosed(closed: readonly ClosedMonth[]): void {
  print(
    table(
      ['organization', 'state', 'projects', 'overage', '', 'held up by'],
      closed.map(({ organization, state, closedProjects, overageCharge, currency, ...month }) => [
        organization,
        state,
        String(closedProjects),
        state === 'final' ? readableFigure(String(overageCharge)) : '',
        state === 'final' && currency !== null ? `minor units of ${currency}` : '',
        [...month.heldUpBy, ...grace(month)].join('; '),
      ]),
      [2, 3],
    ),
  );
}

function grace({ withinGraceUntil }: Pick<ClosedMonth, 'withinGraceUntil'>): readonly string[] {
  return withinGraceUntil === null
    ? []
    : [`within its grace until ${readableTime(withinGraceUntil)}`];
}
