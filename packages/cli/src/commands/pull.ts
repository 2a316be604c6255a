import { listPulls } from '@odometer/database/pulled-logs/pull-progress';
import { findPulledLog, listPulledLogs } from '@odometer/database/pulled-logs/pulled-logs';
import { OdometerError } from '@odometer/domain/errors';
import { isLeftAlone } from '@odometer/domain/pulled-logs/left-alone';
import { pulledLogDeclarationSchema } from '@odometer/domain/pulled-logs/pulled-log-declaration';
import type { Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableFigure,
  readableTime,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { printPulls } from '../pulled-logs/print-pulls.ts';
import { addRun } from '../pulled-logs/run-pull.ts';

export function addPull(program: Command): void {
  const pull = program
    .command('pull')
    .description('show and read logs that are pulled page by page');
  addCommand(pull, 'list', 'list what is declared, and how far it is read').action(list);
  addRun(pull);
  addCommand(pull, 'runs', 'list readings, the newest first')
    .argument('[name]', 'declared name; all of them when it is left out')
    .option('--limit <count>', 'at most so many', wholeNumber, 50)
    .action(runs);
}

async function list({ json }: OutputOptions): Promise<void> {
  const logs = await withPostgres(async (pool) =>
    (await listPulledLogs(pool)).map(({ declaration, readUntil, ...log }) => {
      const { data } = pulledLogDeclarationSchema.safeParse(declaration);
      const lagMs = readUntil === null ? null : Math.max(0, Date.now() - readUntil.getTime());
      return {
        ...log,
        webhook: data?.webhook ?? null,
        url: data?.url ?? null,
        interval: data?.interval ?? null,
        paused: data?.paused ?? null,
        readUntil,
        lagSeconds: lagMs === null ? null : Math.round(lagMs / 1_000),
      };
    }),
  );
  if (json) return printJson(logs);
  if (logs.length === 0) return print('No pulled log is declared.');
  print(
    table(
      ['name', 'webhook', 'interval', 'read until', 'lag (minutes)', 'failures', 'checkpoint'],
      logs.map((log) => [
        log.name,
        log.webhook ?? 'of another version',
        log.paused ? 'paused' : (log.interval ?? ''),
        readableTime(log.readUntil),
        log.lagSeconds === null ? '' : readableFigure(String(Math.floor(log.lagSeconds / 60))),
        String(log.failures),
        log.checkpoint ?? '',
      ]),
      [4, 5],
    ),
  );
  for (const { name, detail, retryAt } of logs) {
    if (detail !== null) print(`${name}: ${detail}`);
    if (isLeftAlone(retryAt, Date.now())) {
      print(`${name}: it wants to be left alone until ${readableTime(retryAt)}`);
    }
  }
}

async function runs(
  name: string | undefined,
  { limit, json }: OutputOptions & { readonly limit: number },
): Promise<void> {
  const found = await withPostgres(async (pool) => {
    if (name !== undefined && (await findPulledLog(pool, name)) === undefined) {
      throw new OdometerError('target_not_declared', { target: name });
    }
    return listPulls(pool, { log: name, limit });
  });
  if (json) return printJson(found);
  if (found.length === 0) return print('There are no such readings.');
  printPulls(found);
}
