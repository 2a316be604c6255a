import { findPosthocMetric, listPosthocMetrics } from '@odometer/database/posthoc/posthoc-metrics';
import { listRuns, RUN_STATES, type RunState } from '@odometer/database/posthoc/posthoc-runs';
import { OdometerError } from '@odometer/domain/errors';
import { posthocDeclarationSchema } from '@odometer/domain/posthoc/posthoc-declaration';
import { type Command, Option } from 'commander';
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
import { printRuns } from '../posthoc/print-runs.ts';
import { addRun } from '../posthoc/run-window.ts';
import { addTest } from '../posthoc/test-window.ts';

interface RunsOptions extends OutputOptions {
  readonly state?: RunState;
  readonly limit: number;
}

export function addPosthoc(program: Command): void {
  const posthoc = program
    .command('posthoc')
    .description('show, test and run metrics that are worked out from logs');
  addCommand(posthoc, 'list', 'list what is declared').action(list);
  addTest(posthoc);
  addRun(posthoc);
  addCommand(posthoc, 'runs', 'list runs, the newest windows first')
    .argument('[name]', 'declared name; all of them when it is left out')
    .addOption(new Option('--state <state>', 'only these').choices(RUN_STATES))
    .option('--limit <count>', 'at most so many', wholeNumber, 50)
    .action(runs);
}

async function list({ json }: OutputOptions): Promise<void> {
  const metrics = await withPostgres(async (pool) => {
    const listed = [];
    for (const { name, declaration } of await listPosthocMetrics(pool)) {
      const { data } = posthocDeclarationSchema.safeParse(declaration);
      const [last] = await listRuns(pool, { metric: name, state: 'done', limit: 1 });
      listed.push({
        name,
        engine: data?.engine ?? null,
        eventType: data?.eventType ?? null,
        window: data?.window ?? null,
        revisions: data?.revisions ?? [],
        paused: data?.paused ?? null,
        lastWindow: last?.windowStart ?? null,
      });
    }
    return listed;
  });
  if (json) return printJson(metrics);
  if (metrics.length === 0) return print('No post-hoc metric is declared.');
  print(
    table(
      ['name', 'engine', 'meter', 'window', 'asked after', 'last window'],
      metrics.map((metric) => [
        metric.name,
        metric.engine ?? 'of another version',
        metric.eventType ?? '',
        metric.window ?? '',
        metric.paused ? 'paused' : metric.revisions.join(', '),
        readableTime(metric.lastWindow),
      ]),
    ),
  );
}

async function runs(name: string | undefined, { state, limit, json }: RunsOptions): Promise<void> {
  const found = await withPostgres(async (pool) => {
    if (name !== undefined && (await findPosthocMetric(pool, name)) === undefined) {
      throw new OdometerError('target_not_declared', { target: name });
    }
    return listRuns(pool, { metric: name, state, limit });
  });
  if (json) return printJson(found);
  if (found.length === 0) return print('There are no such runs.');
  printRuns(found);
}
