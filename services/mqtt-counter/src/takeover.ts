import { inTransaction, type Pool } from '@odometer/database/pool';
import {
  epochProgress,
  firstUnappliedSeq,
  inheritMark,
  sealEpoch,
  unsealedEpochsBefore,
} from '@odometer/database/sources';
import { batchJobId } from '@odometer/domain/batch';
import { enqueueUntilDurable } from '@odometer/queues/enqueue-until-durable';
import type { JobQueue } from '@odometer/queues/job-queue';

/** Where a predecessor was found to have stopped. */
interface FoundEnd {
  readonly epoch: string;
  /** Its last flush; what it sends after this is refused. */
  readonly lastSeq: number;
  /** The mark of the last flush that is durable and was not applied yet when we looked. */
  readonly mark: { readonly seq: number; readonly value: number | null } | undefined;
}

/**
 * Fences everybody who counted for this source before us, and finds out what they counted last. A predecessor may not
 * be dead: stopped, it wakes up later and flushes what it holds before it notices its closed socket. So its next flush
 * is taken away from it: a seal under that flush's job id, which Redis gives to one of the two only.
 *
 * Call it as the source's newest epoch, with the broker's session ours and nothing read yet. All of it may be repeated
 * after any failure.
 *
 * @returns the mark: everything up to and including the message with this packet id was counted.
 * @throws the signal's reason; OdometerError `queue_unavailable`; errors of Postgres
 */
export async function sealPredecessors(parts: {
  readonly pool: Pool;
  readonly queue: JobQueue<'counts'>;
  readonly source: string;
  readonly epoch: string;
  readonly signal: AbortSignal;
}): Promise<number | null> {
  const { pool, source, epoch } = parts;
  const ends: FoundEnd[] = [];
  for (const old of await unsealedEpochsBefore(pool, source, epoch)) {
    ends.push(await sealInRedis(parts, old));
  }
  // Done before, by us: what was found then is in our own row. Or we are the first.
  if (ends.length === 0) return (await epochProgress(pool, epoch)).mark;
  // All seals and the mark at once. Otherwise who comes after us, should we die here, would find our predecessors
  // sealed and the mark of their last flush nowhere: it may be in Redis still.
  return inTransaction(pool, async (transaction) => {
    let mark: number | null = null;
    for (const [index, end] of ends.entries()) {
      const sealed = await sealEpoch(transaction, end.epoch, end.lastSeq);
      if (end.mark !== undefined && end.mark.seq > sealed.markSeq) mark = end.mark.value;
      // An epoch without a flush tells the mark it inherited. Only the first can have inherited one: the others died
      // before they had sealed it.
      else if (sealed.markSeq > 0 || index === 0) mark = sealed.mark;
    }
    await inheritMark(transaction, epoch, mark);
    return mark;
  });
}

async function sealInRedis(
  { pool, queue, source, epoch, signal }: Parameters<typeof sealPredecessors>[0],
  old: string,
): Promise<FoundEnd> {
  let mark: FoundEnd['mark'];
  for (let seq = await firstUnappliedSeq(pool, old); ; seq += 1) {
    const id = { source, epoch: old, seq };
    const jobId = batchJobId(id);
    await enqueueUntilDurable(queue, 'seal', { ...id, sealedBy: epoch }, jobId, { signal });
    // BullMQ answers with our own data even when the id was taken: only reading back tells who has it.
    const job = await queue.get(jobId);
    if (job?.name === 'count-batch') {
      mark = { seq, value: job.data.mark };
      continue;
    }
    // The id was free. That can also mean that this flush was applied a moment ago and its job removed, or that Redis
    // lost it, or that it is a dead letter: then there may be others behind it.
    const { appliedSeq, acknowledgedSeq } = await epochProgress(pool, old);
    if (seq <= appliedSeq) seq = appliedSeq;
    else if (seq > acknowledgedSeq) return { epoch: old, lastSeq: seq - 1, mark };
  }
}
