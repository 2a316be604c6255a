import { recordAudit } from '@odometer/database/audit-log';
import { inTransaction, type Pool } from '@odometer/database/pool';
import {
  type ListedPull,
  listPulls,
  rewindPull,
} from '@odometer/database/pulled-logs/pull-progress';
import { findPulledLog } from '@odometer/database/pulled-logs/pulled-logs';
import { OdometerError } from '@odometer/domain/errors';
import { checkpointAt } from '@odometer/domain/pulled-logs/checkpoint-template';
import { isLeftAlone } from '@odometer/domain/pulled-logs/left-alone';
import { pulledLogDeclarationSchema } from '@odometer/domain/pulled-logs/pulled-log-declaration';
import { PULL_TURN, pullJobId } from '@odometer/queues/pull-job';
import type { Command } from 'commander';
import { actor } from '../actor.ts';
import { instant } from '../arguments.ts';
import { UnsatisfiedError } from '../failure.ts';
import { addCommand, type OutputOptions, print, printJson, readableTime } from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { withQueues } from '../redis.ts';
import { waitForJob } from '../wait-for-job.ts';
import { printPulls } from './print-pulls.ts';

interface RunOptions extends OutputOptions {
  readonly from?: number;
  readonly wait: boolean;
}

export function addRun(pull: Command): void {
  addCommand(pull, 'run', 'read a log now, from its checkpoint on')
    .argument('<name>', 'declared name')
    .option('--from <time>', 'read again what is in it since then; all of it counts once', instant)
    .option('--no-wait', 'only ask the worker')
    .action(run);
}

async function run(name: string, { from, wait, json }: RunOptions): Promise<void> {
  const asked = await withQueues((open) =>
    withPostgres(async (pool) => {
      const log = await findPulledLog(pool, name);
      if (log === undefined) throw new OdometerError('target_not_declared', { target: name });
      if (isLeftAlone(log.retryAt, Date.now())) {
        const reason = `not before ${readableTime(log.retryAt)}`;
        throw new OdometerError('target_throttled', { target: `pulled log ${name}`, reason });
      }
      const before = await lastEnded();
      const queue = open('posthoc');
      const job = { log: name, asked: true } as const;
      const jobId = pullJobId(job);
      await ask(pool, name, from === undefined ? undefined : startAt(log.declaration, from));
      await queue.add('pull', job, jobId, PULL_TURN);
      let ended: ListedPull | undefined;
      if (!wait) return undefined;
      await waitForJob({ pool, queue }, jobId, async () => {
        ended = await lastEnded();
        const isDone = ended !== undefined && ended.id !== before?.id;
        const [newest] = await listPulls(pool, { log: name, limit: 1 });
        return { isDone, progress: `${name}: ${newest?.pages ?? 0} pages` };
      });
      return ended;

      async function lastEnded(): Promise<ListedPull | undefined> {
        const pulls = await listPulls(pool, { log: name, limit: 10 });
        return pulls.find(({ state }) => state !== 'started' && state !== 'overtaken');
      }
    }),
  );
  if (asked === undefined) {
    print('The worker is asked for it; odometer pull runs shows what becomes of it.');
    return;
  }
  if (json) printJson(asked);
  else printPulls([asked]);
  if (asked.state === 'failed') {
    throw new UnsatisfiedError(`${name}: ${asked.detail ?? 'no reason is known'}`);
  }
}

/** @throws OdometerError `query_invalid`: nobody can say where an instant is in it. */
function startAt(declaration: unknown, from: number): string {
  const { data } = pulledLogDeclarationSchema.safeParse(declaration);
  const start = data?.checkpoint.start;
  if (start !== undefined) return checkpointAt(start, from);
  const problem = 'is for logs with a checkpoint.start, which says where an instant is';
  throw new OdometerError('query_invalid', { parameter: '--from', problem });
}

async function ask(pool: Pool, name: string, checkpoint: string | undefined): Promise<void> {
  await inTransaction(pool, async (transaction) => {
    if (checkpoint !== undefined) await rewindPull(transaction, name, checkpoint);
    await recordAudit(transaction, {
      actor: actor(),
      action: 'pulled-log.run',
      subject: name,
      detail: { checkpoint: checkpoint ?? null },
    });
  });
}
