import { SCHEDULER_LOCK } from '@odometer/database/advisory-locks';
import { SessionLock } from '@odometer/database/session-lock';
import { JobSchedulers } from '@odometer/queues/job-schedulers';
import type { Redis } from 'ioredis';
import { BellKeeper } from '../../services/scheduler/src/bell-keeper.ts';
import { BELLS } from '../../services/scheduler/src/bells.ts';

export interface Scheduler {
  look(): Promise<void>;
  close(): Promise<void>;
}

/** The scheduler's own bells and their keeper, with a lock of their own. */
export function openScheduler(url: string, redis: Redis): Scheduler {
  const lock = new SessionLock({
    url,
    applicationName: 'simulated scheduler',
    key: SCHEDULER_LOCK,
  });
  const schedulers = new JobSchedulers('periods', redis);
  const keeper = new BellKeeper({
    lock,
    schedulers,
    bells: BELLS,
    log: { info: () => {}, warn: () => {} },
  });
  return {
    look: () => keeper.look(),
    async close() {
      await schedulers.stop();
      await lock.release();
    },
  };
}
