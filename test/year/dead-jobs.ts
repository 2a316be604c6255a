import { storeDeadLetter } from '@odometer/database/dead-letters';
import type { Pool } from '@odometer/database/pool';
import type { DeadEvent, EventBatch } from '@odometer/queues/catalogue';
import { payloadOwners } from '@odometer/queues/payload-owners';
import type { Job } from 'bullmq';
import { complete, type SimulatedWorker } from './simulated-worker.ts';

/** Jobs that have failed for good, until somebody has them tried again. */
export class DeadJobs {
  readonly #pool: Pool;
  readonly #batches: EventBatch[] = [];

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** As the sweep does. */
  async add(job: Job, nowMs: number): Promise<void> {
    const batch = job.data as EventBatch;
    await storeDeadLetter(this.#pool, {
      queue: 'events',
      jobId: job.id ?? '',
      jobName: job.name,
      payload: JSON.stringify(batch),
      reason: 'simulated',
      attempts: 60,
      epoch: batch.epoch,
      seq: batch.seq,
      items: batch.events.length,
      ...payloadOwners(batch),
      failedAtMs: nowMs,
    });
    await complete(job);
    this.#batches.push(batch);
  }

  /** What was dead is mended and counted, whatever has become of its month. */
  async retry(
    worker: SimulatedWorker,
    insist: (work: () => Promise<void>) => Promise<void>,
  ): Promise<void> {
    for (const batch of this.#batches.splice(0)) {
      await insist(() => worker.applyEvents([batch]));
    }
    const { rows } = await this.#pool.query<{ payload: string }>(
      "select payload from dead_letters where queue = 'events' and job_name = 'event' order by id",
    );
    for (const { payload } of rows) {
      const dead = JSON.parse(payload) as DeadEvent;
      const event = { ...dead.event, data: { value: 3, note: 'mended' } };
      await insist(() => worker.retry({ ...dead, event }));
    }
  }
}
