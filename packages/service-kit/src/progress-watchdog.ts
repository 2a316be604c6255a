import { OdometerError } from '@odometer/domain/errors';
import { type Component, component } from './component.ts';

/** How much there is to do. `active`: what this process works on; while it does, it is not stuck. */
export interface Work {
  readonly waiting: number;
  readonly active?: number;
}

export interface ProgressWatchdog extends Component {
  /** For `service.liveness`: throws `no_progress` while stuck. Reads a flag, so it is instant when Redis is away. */
  check(): void;
}

/**
 * BullMQ workers have stopped for good after a Redis outage, more than once and with `isRunning()` still true
 * (taskforcesh/bullmq#4585, #4479, #4378): the process looks healthy and counts nothing. This component notices: work waits,
 * nothing is being worked on, and the count of finished work stands still for `stuckAfterMs`.
 *
 * When the amount of work cannot be learnt, the clock starts anew: Redis being away is not this process being stuck, and
 * a restart would not bring it back.
 *
 * @param options.work asks the queue. Give `active` as this process knows it (not the queue's count, which includes others'
 *   jobs and those of dead workers), or leave it out where no job may last as long as `stuckAfterMs`.
 * @param options.progress finished jobs so far, failed ones included; never falls.
 * @param options.onStuck called once each time it gets stuck; usually `(error) => service.fail(error)`.
 */
export function progressWatchdog(options: {
  readonly name: string;
  readonly work: () => Promise<Work>;
  readonly progress: () => number;
  readonly onStuck: (error: Error) => void;
  /** @default 60_000: twice a count job's deadline and four times the 15 s within which a dead worker's jobs return. */
  readonly stuckAfterMs?: number;
  /** @default 5_000: one cheap command, twelve looks before it judges. */
  readonly intervalMs?: number;
  /** Monotonic milliseconds. @default performance.now */
  readonly clock?: () => number;
}): ProgressWatchdog {
  const { name, work, progress, onStuck } = options;
  const { stuckAfterMs = 60_000, intervalMs = 5_000, clock = () => performance.now() } = options;
  let lastProgress = progress();
  /** When work was first seen waiting without progress since; undefined while all is well. */
  let idleSince: number | undefined;
  let stuck: OdometerError<'no_progress'> | undefined;
  /** A command that never settles must not pile up others behind it. */
  let asking = false;
  let stopped = false;

  function judge({ waiting, active = 0 }: Work): void {
    const current = progress();
    if (current !== lastProgress || waiting === 0 || active > 0) {
      lastProgress = current;
      idleSince = undefined;
      stuck = undefined;
      return;
    }
    idleSince ??= clock();
    const stuckForMs = Math.round(clock() - idleSince);
    if (stuckForMs < stuckAfterMs || stuck !== undefined) return;
    stuck = new OdometerError('no_progress', { name, waiting, stuckForMs });
    onStuck(stuck);
  }

  async function look(): Promise<void> {
    if (asking) return;
    asking = true;
    try {
      const found = await work();
      if (!stopped) judge(found);
    } catch {
      idleSince = undefined;
    } finally {
      asking = false;
    }
  }

  const watching = component({
    name,
    start: () => setInterval(() => void look(), intervalMs),
    stop(interval) {
      // A question still open is left alone: waiting for Redis here would hold up the drain.
      stopped = true;
      clearInterval(interval);
    },
  });
  return {
    ...watching,
    check() {
      if (stuck !== undefined) throw stuck;
    },
  };
}
