import type { Component } from './component.ts';

/**
 * Does something now and then, never twice at once: at start, and `intervalMs` after the last time ended. What it throws
 * is logged and does not end it.
 *
 *   idle ──start()──▶ running ⇄ waiting ──stop()──▶ stopped (after the run under way)
 */
export function periodic(options: {
  readonly name: string;
  readonly intervalMs: number;
  readonly run: () => Promise<void>;
  readonly log: { warn(fields: object): void };
}): Component {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let state: 'idle' | 'started' | 'stopped' = 'idle';

  const once = async (): Promise<void> => {
    try {
      await options.run();
    } catch (error) {
      options.log.warn({ event: 'periodic_task_failed', task: options.name, error });
    }
    running = undefined;
    if (state === 'started') timer = setTimeout(again, options.intervalMs);
  };
  const again = (): void => {
    running = once();
  };
  return {
    name: options.name,
    async start() {
      if (state !== 'idle') return;
      state = 'started';
      again();
    },
    async stop() {
      state = 'stopped';
      clearTimeout(timer);
      await running;
    },
  };
}
