import { listGaps } from '@odometer/database/gaps';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableTime,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';

export function addGaps(program: Command): void {
  addCommand(program, 'gaps', 'show where messages may be missing, newest first')
    .option('--limit <count>', 'how many at most', wholeNumber, 50)
    .action(async ({ json, limit }: OutputOptions & { readonly limit: number }) => {
      const gaps = await withPostgres((pool) => listGaps(pool, limit));
      if (json) return printJson(gaps);
      if (gaps.length === 0) return print('No gaps are known.');
      print(
        table(
          ['id', 'source', 'reason', 'from', 'to', 'detail'],
          gaps.map((gap) => [
            gap.id,
            gap.source,
            gap.reason,
            readableTime(gap.startedAt) || 'unknown',
            readableTime(gap.endedAt),
            JSON.stringify(gap.detail),
          ]),
        ),
      );
    });
}
