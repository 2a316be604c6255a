import { randomUUID } from 'node:crypto';
import { askTest, findTest, type PosthocTest } from '@odometer/database/posthoc/posthoc-tests';
import { leftOutText, type ShownAnswer } from '@odometer/domain/posthoc/shown-answer';
import type { Command } from 'commander';
import { instant } from '../arguments.ts';
import { UnsatisfiedError } from '../failure.ts';
import {
  addCommand,
  type OutputOptions,
  print,
  printJson,
  readableFigure,
  table,
} from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { withQueues } from '../redis.ts';
import { waitForJob } from '../wait-for-job.ts';
import { declaredMetric, windowAt } from './declared-metric.ts';
import { NO_LOGS } from './print-runs.ts';
import { queryProgress } from './query-progress.ts';

interface TestOptions extends OutputOptions {
  readonly window?: number;
}

export function addTest(posthoc: Command): void {
  addCommand(posthoc, 'test', 'show what a metric answers of a window, and ship nothing')
    .argument('<name>', 'declared name')
    .option(
      '--window <start>',
      'the window that begins here, 2026-10-01T10:00Z; without it, the last that has ended',
      instant,
    )
    .action(test);
}

async function test(name: string, { window, json }: TestOptions): Promise<void> {
  const { asked, dimensions } = await withQueues((open) =>
    withPostgres(async (pool) => {
      const metric = await declaredMetric(pool, name);
      const id = randomUUID();
      await askTest(pool, { id, metric: name, ...windowAt(metric, window, Date.now()) });
      const queue = open('posthoc');
      const jobId = `test.${id}`;
      await queue.add('test', { testId: id }, jobId);
      let answered: PosthocTest | undefined;
      await waitForJob({ pool, queue }, jobId, async () => {
        answered = await findTest(pool, id);
        const isDone = answered !== undefined && isAnswered(answered);
        const running = queryProgress(metric, answered);
        return { isDone, progress: `${name}: waiting for a worker${running}` };
      });
      return { asked: answered, dimensions: metric.columns.dimensions };
    }),
  );
  if (asked === undefined) return;
  if (asked.failure !== null) {
    process.stderr.write(`odometer: ${asked.failure}\n`);
    throw new UnsatisfiedError(asked.failure);
  }
  // What a worker of ours has written.
  const answer = asked.answer as ShownAnswer;
  const { windowStart, windowEnd } = asked;
  if (json) return printJson({ metric: name, windowStart, windowEnd, ...answer });
  print(
    table(
      ['organization', 'project', ...dimensions, 'value'],
      answer.rows.map((row) => [
        row.organization,
        row.project,
        ...dimensions.map((dimension) => row.dimensions[dimension] ?? 'null'),
        readableFigure(row.value),
      ]),
      [2 + dimensions.length],
    ),
  );
  const more = answer.rowCount - answer.rows.length;
  if (more > 0) print(`… and ${readableFigure(String(more))} more rows`);
  print(
    `\n${windowStart.toISOString()} to ${windowEnd.toISOString()}: ${readableFigure(String(answer.rowCount))} rows of ${readableFigure(String(answer.scannedBytes))} bytes. Nothing was shipped.`,
  );
  if (answer.logFiles === 0) print(NO_LOGS);
  if (answer.unmatchedLines > 0) print(`${answer.unmatchedLines} lines could not be read.`);
  const leftOut = leftOutText(answer);
  if (leftOut !== '') print(leftOut);
}

function isAnswered({ answer, failure }: PosthocTest): boolean {
  return answer !== null || failure !== null;
}
