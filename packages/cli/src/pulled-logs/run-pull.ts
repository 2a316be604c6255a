import { recordAudit } from '@odometer/database/audit-log';
import { type ListedPull, listPulls } from '@odometer/database/pulled-logs/pull-progress';
import { findPulledLog } from '@odometer/database/pulled-logs/pulled-logs';
import { OdometerError } from '@odometer/domain/errors';
import { pullJobId } from '@odometer/queues/pull-job';
import type { Command } from 'commander';
import { actor } from '../actor.ts';
import { UnsatisfiedError } from '../failure.ts';
import { addCommand, type OutputOptions, print, printJson, readableTime } from '../output.ts';
import { withPostgres } from '../postgres.ts';
import { withQueues } from '../redis.ts';
import { waitForJob } from '../wait-for-job.ts';
import { printPulls } from './print-pulls.ts';

interface RunOptions extends OutputOptions {
  readonly wait: boolean;
}

export function addRun(pull: Command): void {
  addCommand(pull, 'run', 'read a log now, from its checkpoint on')
    .argument('<name>', 'declared name')
    .option('--no-wait', 'only ask the worker')
    .action(run);
}

async function run(name: string, { wait, json }: RunOptions): Promise<void> {
  const asked = await withQueues((open) =>
    withPostgres(async (pool) => {
      const log = await findPulledLog(pool, name);
      if (log === undefined) throw new OdometerError('target_not_declared', { target: name });
      if (log.retryAt !== null && log.retryAt.getTime() > Date.now()) {
        const reason = `not before ${readableTime(log.retryAt)}`;
        throw new OdometerError('target_throttled', { target: `pulled log ${name}`, reason });
      }
      const before = await lastEnded();
      const queue = open('posthoc');
      const jobId = pullJobId(name);
      await recordAudit(pool, { actor: actor(), action: 'pulled-log.run', subject: name });
      await queue.add('pull', { log: name }, jobId);
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
