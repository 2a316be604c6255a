import { listAdjustments } from '@odometer/database/reading/adjustments';
import { jsonFigure } from '@odometer/domain/json-figure';
import type { Command } from 'commander';
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

interface AdjustmentOptions extends OutputOptions {
  readonly organization?: string;
  readonly month?: number;
  readonly limit: number;
}

export function addAdjustments(program: Command): void {
  addCommand(
    program,
    'adjustments',
    'show usage that came after its month was closed, newest first',
  )
    .option('--organization <slug>', 'of one organization only', slug)
    .option('--month <month>', 'YYYY-MM, the month it is billed in', month)
    .option('--limit <count>', 'how many at most', wholeNumber, 50)
    .action(list);
}

async function list({ json, organization, month, limit }: AdjustmentOptions): Promise<void> {
  const adjustments = await withPostgres((pool) =>
    listAdjustments(pool, {
      organization: organization ?? null,
      projectId: undefined,
      billedMonth: month === undefined ? undefined : monthText(month),
      after: undefined,
      limit,
    }),
  );
  if (json) {
    return printJson(
      adjustments.map(({ sum, count, min, max, last, ...adjustment }) => ({
        ...adjustment,
        sum: jsonFigure(sum),
        count: jsonFigure(count),
        min: min === null ? null : jsonFigure(min),
        max: max === null ? null : jsonFigure(max),
        last: last === null ? null : jsonFigure(last),
      })),
    );
  }
  if (adjustments.length === 0) return print('There are no adjustments.');
  print(
    table(
      ['id', 'project', 'meter', 'hour', 'billed in', 'quantity', 'unit', 'came'],
      adjustments.map((adjustment) => [
        adjustment.id,
        `${adjustment.organization}/${adjustment.project}`,
        adjustment.meter,
        readableTime(adjustment.hour),
        adjustment.billedMonth,
        readableFigure(adjustment.sum),
        adjustment.unit,
        readableTime(adjustment.createdAt),
      ]),
      [5],
    ),
  );
}
