import { OdometerError } from '@odometer/domain/errors';
import { recordAudit } from './audit-log.ts';
import { findDeadLetter, markDeadLetterRetried, type StoredDeadLetter } from './dead-letters.ts';
import { inTransaction, type Pool } from './pool.ts';
import { isApplied } from './sources.ts';

/**
 * Puts a dead letter back into its queue.
 *
 * @param enqueue adds its job under its own id; when it returns, Redis has it.
 * @returns `applied` when its batch has been applied since, so that there is nothing to do.
 * @throws OdometerError `dead_letter_not_found`, and what `enqueue` throws; then it may be tried again.
 */
export async function retryStoredDeadLetter(
  pool: Pool,
  id: string,
  actor: string,
  enqueue: (letter: StoredDeadLetter) => Promise<void>,
): Promise<'applied' | 'retried'> {
  const letter = await findDeadLetter(pool, id);
  if (letter === undefined) throw new OdometerError('dead_letter_not_found', { id });
  const { epoch, seq, jobName } = letter;
  // A single event's batch has been applied, without it.
  const carriesBatch = epoch !== null && seq !== null && jobName !== 'event';
  if (carriesBatch && (await isApplied(pool, epoch, Number(seq)))) return 'applied';
  await enqueue(letter);
  // After Redis has it: a note without the job would hide that the job is nowhere.
  await inTransaction(pool, async (transaction) => {
    await markDeadLetterRetried(transaction, id);
    await recordAudit(transaction, {
      actor,
      action: 'dead_letter.retry',
      subject: id,
      detail: { queue: letter.queue, jobId: letter.jobId },
    });
  });
  return 'retried';
}
